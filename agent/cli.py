"""The command line: wiring, and the only place where an unexpected exception becomes an exit code."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from agent import options as takes
from agent.exits import INTERNAL, INTERRUPTED, UNPROVEN, UPHELD, USAGE

if TYPE_CHECKING:
    from types import FrameType

    from agent.inputs import Inputs
    from agent.ledger.recording import Recorder

GRACE = 5.0
"""Seconds that an interrupted command has to end by itself."""
_EXITS = "exit codes: 0 all upheld, 1 something broken, 2 usage or configuration error, 3 nothing broken but something unproven, 4 internal error, 130 interrupted"


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="upheld", description="Prove published security promises, or show what breaks them.", epilog=_EXITS)
    root.add_argument("--version", action="store_true", help="print the version and end")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    check = _command(commands, "check", "one run; the exit code is the answer", _check)
    _configured(check)
    takes.check(check)
    collect = _command(commands, "collect", "read the world into an estate", _collect)
    _configured(collect)
    collect.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="the new estate's folder")

    diff = _command(commands, "diff", "what changed between two estates, and which verdicts with it", _diff)
    _configured(diff)
    diff.add_argument("before", metavar="ESTATE_A", type=Path)
    diff.add_argument("after", metavar="ESTATE_B", type=Path)
    diff.add_argument("--format", choices=["text", "json"], default="text")

    import_ = _command(commands, "import", "an estate from CLI output, or rules from Sigma's", _import)
    takes.import_(import_)
    doctor = _command(commands, "doctor", "identity, permissions, regions, clock, endpoints: before the first run", _doctor)
    _configured(doctor)

    paths = _command(commands, "paths", "ask the network prover what can reach what", _paths)
    takes.paths(paths)
    tls = _command(commands, "tls", "inspect TLS endpoints and judge what they answer", _tls)
    takes.tls(tls)
    logs = _command(commands, "logs", "read log files, and verify that none is missing or altered", _logs)
    takes.logs(logs)

    rules = _command(commands, "rules", "the rules, and their own examples run", _rules)
    rules.add_argument("what", choices=["list", "show", "test", "functions"])
    rules.add_argument("name", nargs="?", help="a rule id for show; a file or folder for test")
    rules.add_argument("-c", "--config", metavar="FILE", help=argparse.SUPPRESS)

    permissions = _command(commands, "permissions", "the least-privilege policy for what is enabled", _permissions)
    permissions.add_argument(
        "provider",
        choices=["aws", "aws-queue", "azure", "azure-queue", "azure-optional"],
        help="aws, azure: all that is read; aws-queue, azure-queue: one's own queues, which announce new logs and changes; azure-optional: what"
        " it does without",
    )
    _configured(permissions)

    agent = _command(commands, "agent", "the daemon: runs when they are due, until it is told to stop", _agent)
    _configured(agent)
    ledger = _command(commands, "ledger", "the memory of runs and findings", _ledger)
    takes.ledger(ledger)

    schema = _command(commands, "schema", "the JSON Schema of a file format", _schema)
    schema.add_argument("name", choices=["findings", "config", "promises", "rule", "profile", "notification", "tls-endpoint"])
    return root


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".", epilog=_EXITS)
    command.set_defaults(run=run)
    command.add_argument("-q", "--quiet", action="store_true", help="no progress, no log lines below warnings")
    return command


def _configured(command: argparse.ArgumentParser) -> None:
    command.add_argument("-c", "--config", metavar="FILE", help="default: $UPHELD_CONFIG, ./upheld.yaml, /etc/upheld/upheld.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    root = parser()
    options = root.parse_args(arguments)
    if options.version:
        from importlib.metadata import version

        print(f"upheld {version('upheld')}")
        return UPHELD
    if options.command is None:
        root.print_help()
        return USAGE
    from agent import log

    log.configure(quiet=options.quiet)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERNAL
    except Exception as error:
        if line := _expected(error):
            print(f"upheld: {line}", file=sys.stderr)
            return USAGE
        log.logger().error("internal-error", exc_info=True)
        print(f"upheld: internal error: {type(error).__name__}: {error}; nothing above can be relied on", file=sys.stderr)
        return INTERNAL


def _expected(error: Exception) -> str | None:
    """The one line for an error that a person can mend; None for a bug."""
    from agent.collect.estate import EstateError
    from agent.config import ConfigurationError
    from agent.ledger import LedgerError
    from agent.publish.printable import printable
    from checks.document import DocumentError

    if isinstance(error, ConfigurationError | DocumentError | EstateError | LedgerError):
        return printable(error)
    return None


def _check(options: argparse.Namespace) -> int:
    from agent import config, gate, run
    from agent.publish import outputs
    from agent.terminal import progress

    configuration = config.load(options.config, os.environ)
    inputs = run.prepare(configuration, options.promise)
    every = options.all_rules or not inputs.promises.promises
    targets = outputs.targets(options.format, configuration)
    max_age = takes.ages(options.max_age)
    baseline = gate.read_baseline(options.baseline) if options.baseline else None
    if options.fail_on == "new" and baseline is None and not options.record:
        raise config.ConfigurationError("--fail-on new needs --baseline FILE, an earlier JSON report, or --record")
    recorder = _recorder(inputs, live=options.estate is None) if options.record else None
    claim = nullcontext() if recorder is None else recorder.claim(lambda: False)
    with claim, progress("collecting", quiet=options.quiet or options.estate is not None) as step:
        result = run.check(
            inputs, options.estate, every=every, max_age=max_age, clock=run.Clock(), progress=step, record=recorder or run.forget
        )
    outputs.write(result, targets)
    if recorder is not None and recorder.failure is not None:
        raise recorder.failure
    if recorder is not None and recorder.delivery is not None:
        recorder.delivery.once()
    if result.recorded is not None and baseline is None and options.fail_on == "new":
        baseline = gate.recorded_baseline(result.recorded)
    return gate.exit_code(result, fail_on=options.fail_on, severity=options.severity, baseline=baseline, strict=options.strict)


def _recorder(inputs: Inputs, *, live: bool) -> Recorder:
    """What puts a run into the ledger, of which it is known before anything is collected that it can."""
    from agent import run, state
    from agent.ledger.opening import place
    from agent.ledger.recording import Recorder
    from agent.publish.notify.delivery import Delivery
    from agent.publish.notify.outbox import Outbox
    from agent.publish.notify.sinks import senders

    opened = place(inputs.configuration, os.environ)
    state.make(opened.state)
    signer = opened.signer(make=True)
    assert signer is not None
    opened.ledger.ready(signer)
    delivery = Delivery(Outbox(opened.database), senders(inputs.configuration), run.Clock())
    return Recorder(opened, signer, inputs, run.Clock(), live, delivery)


def _collect(options: argparse.Namespace) -> int:
    from agent import config, run
    from agent.collect.estate import read_estate
    from agent.publish.text import gap_lines
    from agent.terminal import progress

    inputs = run.prepare(config.load(options.config, os.environ))
    every = not inputs.promises.promises
    with progress("collecting", quiet=options.quiet) as step:
        run.collect(inputs, options.output, run.plan_for(inputs, every=every), run.Clock(), step, every=every)
    estate = read_estate(options.output)
    resources = sum(len(held) for held in estate.resources.values())
    print(f"{options.output}: {resources} resources of {len(estate.resources)} types, {len(estate.looks)} looks, {len(estate.gaps)} gaps")
    for line in gap_lines(estate.gaps):
        print(f"  {line}")
    return UNPROVEN if estate.gaps else UPHELD


def _diff(options: argparse.Namespace) -> int:
    from agent import config, run
    from agent.commands import diff

    inputs = run.prepare(config.load(options.config, os.environ))
    return diff.show(inputs, options.before, options.after, as_json=options.format == "json")


def _import(options: argparse.Namespace) -> int:
    from agent.collect.files import aws_cli, az_cli
    from agent.config import ConfigurationError

    given = {
        "account": options.account,
        "region": options.region,
        "collected_at": options.collected_at,
        "asserted_by": options.assert_complete,
    }
    if options.source == "sigma":
        from agent.commands import sigma

        if any(value is not None for value in (*given.values(), options.resource_group)):
            raise ConfigurationError("sigma takes rules, --control and -o: everything else is about the files of an estate")
        return sigma.import_rules(options.sources, options.output, options.control)
    if len(options.sources) != 1 or options.control is not None:
        raise ConfigurationError(f"{options.source} takes one folder, and no --control: that is for sigma")
    (folder,) = options.sources
    if options.source == "az-cli":
        print(az_cli.import_folder(folder, options.output, group=options.resource_group, **given))
    elif options.resource_group is not None:
        raise ConfigurationError("--resource-group is for az-cli: AWS has none")
    else:
        print(aws_cli.import_folder(folder, options.output, **given))
    return UPHELD


def _doctor(options: argparse.Namespace) -> int:
    from agent import config, run
    from agent.commands import doctor

    return doctor.examine(run.prepare(config.load(options.config, os.environ)), run.Clock())


def _paths(options: argparse.Namespace) -> int:
    from agent.commands import paths as paths_command

    return paths_command.run(
        options.estate,
        options.source,
        options.target,
        protocol=options.protocol,
        ports=options.ports,
        source_ports=options.source_port,
        format_=options.format,
        expect=options.expect,
        exposed_only=options.exposed,
        pivot=options.pivot,
    )


def _tls(options: argparse.Namespace) -> int:
    from agent import config, run
    from agent.commands import tls as tls_command
    from agent.publish import outputs
    from agent.terminal import progress

    question = tls_command.Question(
        options.targets, options.files, options.starttls, options.servername, options.resolve, options.ca_files,
        options.public_roots, options.profile, options.full, options.caa, options.crl, options.estates,
    )  # fmt: skip
    targets = outputs.targets(options.format, config.Configuration(config.Settings(schema="upheld.config/1"), None))
    with progress("inspecting", quiet=options.quiet) as step:
        result, estate = tls_command.check(question, run.Clock(), step)
    tls_command.write(result, estate, targets)
    return tls_command.exit_code(result, options.severity)


def _logs(options: argparse.Namespace) -> int:
    from agent import run
    from agent.terminal import progress

    if options.what == "scan":
        from agent.commands import scan
        from agent.config import Configuration, Settings
        from agent.publish import outputs

        asked = scan.ScanQuestion(options.paths, options.log_format, options.declared, options.assert_complete)
        targets = outputs.targets(options.format, Configuration(Settings(schema="upheld.config/1"), None))
        with progress("reading", quiet=options.quiet) as step:
            return scan.scan(asked, targets, run.Clock(), step)
    from agent.commands import trail

    question = trail.TrailQuestion(options.paths, options.public_keys, options.since, options.until, digests_only=options.digests_only)
    with progress("reading", quiet=options.quiet) as step:
        return trail.verify_trail(question, run.Clock(), as_json=options.format == "json", progress=step)


def _rules(options: argparse.Namespace) -> int:
    from agent.commands import rules as rule_commands

    return rule_commands.run(options.what, options.name)


def _permissions(options: argparse.Namespace) -> int:
    import json

    from agent import config, run
    from agent.commands import permissions

    configuration = config.load(options.config, os.environ)
    logs, changes = configuration.settings.collect.logs, configuration.settings.agent.changes
    policy: object
    if options.provider == "aws-queue":
        policy = permissions.queue_policy(logs, changes)
    elif options.provider == "azure-queue":
        policy = permissions.azure_queue_role(changes)
    else:
        inputs = run.prepare(configuration)
        kinds, subscriptions = inputs.book.catalogue, [id_ for one in configuration.settings.collect.azure for id_ in one.subscriptions]
        wanted = run.plan_for(inputs, every=not inputs.promises.promises, of=[options.provider.partition("-")[0]])
        match options.provider:
            case "aws":
                policy = permissions.aws_policy(kinds, wanted, logs)
            case "azure":
                policy = permissions.azure_role(kinds, wanted, subscriptions)
            case _:
                policy = permissions.azure_optional_roles(kinds, subscriptions)
    print(json.dumps(policy, indent=2))
    return UPHELD


def _agent(options: argparse.Namespace) -> int:
    from agent import log
    from agent.daemon.daemon import Daemon

    log.adopt_libraries()
    return Daemon(options.config, os.environ).serve()


def _ledger(options: argparse.Namespace) -> int:
    from agent import config, run
    from agent.commands import ledger as ledger_command

    configuration, clock = config.load(options.config, os.environ), run.Clock()
    match options.what:
        case "history":
            return ledger_command.history(
                configuration, clock, promise=options.promise, finding=options.finding, since=options.since,
                as_json=options.format == "json",
            )  # fmt: skip
        case "verify":
            return ledger_command.verify(
                configuration, heads=options.head, public=options.public_key, proofs=options.proof, as_json=options.format == "json"
            )
        case "accept":
            return ledger_command.accept(
                configuration, clock, options.finding, owner=options.owner, reason=options.reason, until=options.until,
                standing=options.standing,
            )  # fmt: skip
        case "rotate":
            from agent.commands import ledger_seal

            return ledger_seal.change_key(
                configuration, clock, key=options.key, lost=options.lost, owner=options.owner, reason=options.reason
            )
        case "prune":
            from agent.commands import ledger_seal

            return ledger_seal.prune(configuration, clock, older=options.older_than)
    return ledger_command.export_(
        configuration, run=options.run_, proof=options.proof, statement=options.statement, evidence=options.evidence,
        since=options.since, output=options.output,
    )  # fmt: skip


def _schema(options: argparse.Namespace) -> int:
    import json

    from agent import schemas

    print(json.dumps(schemas.schema(options.name), indent=2))
    return UPHELD


def _interrupt(number: int, frame: FrameType | None) -> None:
    """What Python does, and an end a little later if that is lost: an exception in a destructor or a callback goes nowhere."""
    import threading

    end = threading.Timer(GRACE, os._exit, [INTERRUPTED])
    end.daemon = True
    end.start()
    signal.default_int_handler(number, frame)


def command() -> None:
    """The installed command. An interrupted one does not wait for calls that are still on their way."""
    signal.signal(signal.SIGINT, _interrupt)
    gc.set_threshold(100_000, 20, 20)  # a run makes millions of objects and few circles: looking for them is a third of its time
    code = main()
    if code == INTERRUPTED:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    command()
