"""What the commands with many options take."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.age import Ages


def check(command: argparse.ArgumentParser) -> None:
    """`upheld check`: what is judged, how it is told, what sets the exit code."""
    command.add_argument("--estate", metavar="DIR", type=Path, help="judge a recorded estate instead of the world")
    command.add_argument("--promise", metavar="ID", action="append", default=[], help="only this promise (repeatable)")
    command.add_argument("--all-rules", action="store_true", help="every rule whose type is in the estate; needs no promises")
    command.add_argument("--record", action="store_true", help="put the run into the ledger, and tell what changed since the last one")
    command.add_argument(
        "--max-age",
        metavar="TIME",
        action="append",
        default=[],
        help="how old an estate's facts may be (default 24h; 0 for no limit), or those of one kind: settings=2h, network, tls, logs (repeatable)",
    )
    command.add_argument(
        "--format",
        metavar="FORMAT[=FILE]",
        action="append",
        default=[],
        help="text, json, ocsf, sarif, junit or prometheus; repeatable, once each on stdout or to a file",
    )
    command.add_argument(
        "--fail-on",
        choices=["broken", "unproven", "new"],
        default="unproven",
        help="what sets the exit code (default: broken and unproven)",
    )
    command.add_argument(
        "--severity",
        choices=["informational", "low", "medium", "high", "critical"],
        default="informational",
        help="only findings at least this severe set the exit code",
    )
    command.add_argument("--baseline", metavar="FILE", type=Path, help="an earlier JSON report: what stands in it is not new")
    command.add_argument("--strict", action="store_true", help="unverifiable promises and accepted findings count, too")


def ages(given: Sequence[str]) -> Ages:
    """What `--max-age` comes to: `24h` for everything, `logs=2h` for one kind of target, 0 for no limit. Raises ConfigurationError."""
    from datetime import timedelta

    from agent.config import ConfigurationError
    from agent.config.values import seconds
    from checks.age import Ages
    from checks.target import HERE, Target

    known, most = [target for target in Target if target not in HERE], dict.fromkeys(Target, 86400)
    for text in given:
        kind, _, age = text.rpartition("=")
        if kind and kind not in known:
            raise ConfigurationError(f"--max-age: {kind!r} is no kind of facts: it is {', '.join(known)}")
        try:
            most |= dict.fromkeys([Target(kind)] if kind else Target, 0 if age == "0" else seconds(age))
        except ValueError as error:
            raise ConfigurationError(f"--max-age: {error}") from error
    return Ages({target: timedelta(seconds=held) for target, held in most.items() if held})


def import_(command: argparse.ArgumentParser) -> None:
    """`upheld import`: whose files, and what they do not say of themselves."""
    command.add_argument("source", choices=["aws-cli", "az-cli", "sigma"], help="what wrote the files, or sigma for rules that detect")
    command.add_argument(
        "sources",
        metavar="SRC",
        type=Path,
        nargs="+",
        help="its files: [ACCOUNT/REGION/]SERVICE.OPERATION[@RESOURCE].json; for az-cli [SUBSCRIPTION/[GROUP/]]NAME.json; for sigma"
        " any number of files and folders of rules",
    )
    command.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="the new folder of the estate, or of the rules")
    command.add_argument("--control", help="for sigma: the control that the rules are to decide")
    command.add_argument("--account", help="the account or subscription of files that no folder assigns to one")
    command.add_argument("--region", help="the region of files that no folder assigns to one; the location of templates' resource groups")
    command.add_argument("--resource-group", metavar="GROUP", help="the resource group of templates that no folder assigns to one")
    command.add_argument("--collected-at", metavar="TIME", help="when the files were written (RFC 3339); default: the newest file's time")
    command.add_argument("--assert-complete", metavar="BY", help="who asserts that what is not in the files does not exist")


def paths(command: argparse.ArgumentParser) -> None:
    """`upheld paths`: the ends of a question, its packets, the form of the answer."""
    command.add_argument("--estate", metavar="DIR", type=Path, required=True, help="the estate whose networks are asked about")
    ends = "internet, internet:ADDRESS, an address or CIDR block, tag:KEY=VALUE, or the id of a resource, subnet or network"
    command.add_argument("--from", metavar="X", dest="source", help=f"where a packet starts: {ends}")
    command.add_argument("--to", metavar="Y", dest="target", help="where it is to arrive, named in the same way")
    command.add_argument("--protocol", default="any", help="tcp, udp, icmp, another name, a number, or any (default)")
    command.add_argument(
        "--port", metavar="PORTS", dest="ports", default="any", help="the ports it arrives at: 443,8000-8100 (default any)"
    )
    command.add_argument(
        "--source-port",
        metavar="PORTS",
        default="any",
        help="the ports it comes from (default: 1024-65535, and lower ones where a rule asks for them)",
    )
    command.add_argument("--pivot", action="store_true", help="also step by step, by way of machines that are reached before")
    command.add_argument("--exposed", action="store_true", help="everything that the internet reaches, instead of one question")
    command.add_argument("--expect", choices=["reachable", "unreachable"], help="exit with 0 if it is so, 1 if not, 3 if that is not known")
    command.add_argument("--format", choices=["text", "json"], default="text")
    command.add_argument("--dot", dest="format", action="store_const", const="dot", help="draw the path for Graphviz")
    command.add_argument("--svg", dest="format", action="store_const", const="svg", help="draw the path as SVG")


def tls(command: argparse.ArgumentParser) -> None:
    """`upheld tls`: which endpoints, whom to trust, what to hold them against."""
    command.add_argument(
        "targets",
        metavar="HOST[:PORT]",
        nargs="*",
        help="a name or address; [ADDRESS]:PORT for IPv6; smtp://HOST for a protocol before TLS",
    )
    command.add_argument(
        "--targets", metavar="FILE", dest="files", type=Path, action="append", default=[], help="endpoints, one a line; - for stdin"
    )
    command.add_argument(
        "--estate",
        metavar="DIR",
        dest="estates",
        type=Path,
        action="append",
        default=[],
        help="and what a recorded estate serves (repeatable)",
    )
    command.add_argument("--starttls", metavar="PROTOCOL", help="smtp, imap, pop3, ftp, ldap, postgres, mysql or xmpp, before TLS")
    command.add_argument("--servername", metavar="NAME", help="the name that is asked for and that the certificate must be for")
    command.add_argument(
        "--resolve", metavar="HOST:PORT:ADDRESS", action="append", default=[], help="look for it at this address, as curl does (repeatable)"
    )
    command.add_argument(
        "--ca-file", metavar="PEM", dest="ca_files", type=Path, action="append", default=[], help="roots of your own, trusted too"
    )
    command.add_argument("--public-roots", metavar="PEM", type=Path, help="roots in the place of the public ones")
    command.add_argument("--caa", action="store_true", help="ask the DNS which authorities may issue for the hosts (needs upheld[dns])")
    command.add_argument("--crl", action="store_true", help="fetch the lists of revoked certificates that the certificates name")
    command.add_argument("--profile", metavar="ID", help="hold them against a standard, such as mozilla-6.0-intermediate")
    command.add_argument("--full", action="store_true", default=True, help="enumerate versions, suites and groups (the default)")
    command.add_argument("--quick", dest="full", action="store_false", help="four connections: what they prove, and no lists")
    command.add_argument(
        "--format", metavar="FORMAT[=FILE]", action="append", default=[], help="text, json, ocsf, sarif, junit or prometheus; repeatable"
    )
    command.add_argument(
        "--severity",
        choices=["informational", "low", "medium", "high", "critical"],
        default="low",
        help="only findings at least this severe set the exit code (default low)",
    )


def logs(command: argparse.ArgumentParser) -> None:
    """`upheld logs`: what is asked of log files, and which."""
    asked = command.add_subparsers(dest="what", metavar="WHAT", required=True)
    trail = asked.add_parser("verify-trail", help="the chain of CloudTrail's digests", description="Verify CloudTrail's digests.")
    trail.add_argument("paths", metavar="PATH", nargs="+", help="s3://BUCKET/PREFIX, or files and folders as downloaded from it")
    trail.add_argument(
        "--public-keys",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="what aws cloudtrail list-public-keys printed, one a region (repeatable); asked of CloudTrail for s3://, and without it no hour of files is proven",
    )
    trail.add_argument("--from", metavar="TIME", dest="since", help="the first hour that must be proven (default: the first digest's)")
    trail.add_argument("--until", metavar="TIME", help="up to when digests are to be there (default: now)")
    trail.add_argument("--digests-only", action="store_true", help="read no log files: hours with log files cannot be told")
    trail.add_argument("--format", choices=["text", "json"], default="text")
    scan = asked.add_parser("scan", help="judge log files by every rule over rows", description="Read log files and judge their rows.")
    scan.add_argument("log_format", metavar="FORMAT", type=_log_format, help="auto tells by what is in them")
    scan.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="files and folders, gzip or not")
    scan.add_argument(
        "--declared", metavar="LOG_FORMAT", help="the log_format or LogFormat of a web server, as its configuration writes it"
    )
    scan.add_argument("--assert-complete", metavar="BY", help="who says that the files hold every row there was: else nothing is upheld")
    scan.add_argument(
        "--format", metavar="FORMAT[=FILE]", action="append", default=[], help="text, json, ocsf, sarif, junit or prometheus; repeatable"
    )
    for one in asked.choices.values():
        one.add_argument("-q", "--quiet", action="store_true", help="no progress")


def ledger(command: argparse.ArgumentParser) -> None:
    """`upheld ledger`: what is asked of the memory."""
    asked = command.add_subparsers(dest="what", metavar="WHAT", required=True)
    history = asked.add_parser("history", help="how promises and findings fared", description="Tell how promises and findings fared.")
    about = history.add_mutually_exclusive_group()
    about.add_argument("--promise", metavar="ID", help="a promise, and what changed of its findings")
    about.add_argument("--finding", metavar="ID", help="a finding, by the beginning of its id")
    about.add_argument("--since", metavar="TIME", help="what changed since a time (2026-11-20T06:00:00Z), or for how long (7d)")
    history.add_argument("--format", choices=["text", "json"], default="text")
    verify = asked.add_parser("verify", help="whether it is as it was sealed", description="Verify the ledger, without asking anybody.")
    verify.add_argument("--head", metavar="FILE", type=Path, action="append", default=[], help="a head that was exported (repeatable)")
    verify.add_argument("--proof", metavar="FILE", type=Path, action="append", default=[], help="an exported proof, and not the ledger")
    verify.add_argument("--public-key", metavar="PEM", type=Path, help="the key that it was sealed with (default: one's own)")
    verify.add_argument("--format", choices=["text", "json"], default="text")
    accept = asked.add_parser("accept", help="accept a broken finding", description="Write an exception into the exceptions file.")
    accept.add_argument("finding", metavar="FINDING", help="its id, or the beginning of it")
    accept.add_argument("--owner", required=True, help="who answers for it")
    accept.add_argument("--reason", required=True, help="why it may be so")
    accept.add_argument(
        "--standing", action="store_true", help="rows of a log that come later are accepted, too: else only those there are"
    )
    accept.add_argument("--until", metavar="DATE", required=True, help="the last day on which it is accepted")
    export = asked.add_parser("export", help="what others can check", description="Write the newest signed head, or what is asked for.")
    what = export.add_mutually_exclusive_group()
    what.add_argument("--run", metavar="N", type=int, dest="run_", help="the record of a run")
    what.add_argument("--proof", metavar="N", type=int, help="the proof that a run is in the newest head")
    what.add_argument("--since", metavar="FILE", type=Path, help="the proof that nothing before an exported head was changed")
    what.add_argument("--statement", metavar="N", type=int, help="a run as a signed in-toto statement about the policies")
    what.add_argument("--evidence", metavar="N", type=int, help="the estate of a run")
    export.add_argument("-o", "--output", metavar="PATH", type=Path, help="where to (default: stdout)")
    rotate = asked.add_parser("rotate", help="another key seals it from now on", description="Have another key seal what comes.")
    rotate.add_argument("--key", metavar="PEM", type=Path, help="the new key, where the configuration names the old one")
    rotate.add_argument("--lost", action="store_true", help="the old key is lost, and cannot introduce the new one")
    rotate.add_argument("--owner", help="who answers for that")
    rotate.add_argument("--reason", help="what became of the old key")
    prune = asked.add_parser("prune", help="let old records go", description="Let old records go; what seals them stays.")
    prune.add_argument("--older-than", metavar="TIME", help="such as 400d (default: agent.ledger.keep)")
    for one in asked.choices.values():
        one.add_argument("-c", "--config", metavar="FILE", help="default: $UPHELD_CONFIG, ./upheld.yaml, /etc/upheld/upheld.yaml")
        one.add_argument("-q", "--quiet", action="store_true", help="no log lines below warnings")


def _log_format(text: str) -> str:
    from checks.logs.formats.detect import READERS

    if text != "auto" and text not in READERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no format of logs: it is auto, or one of {', '.join(sorted(READERS))}")
    return text
