"""botocore's service models, read once for the rules' shapes and the clients alike, without their documentation."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import botocore.loaders
import botocore.session

if TYPE_CHECKING:
    import boto3

_PROSE = ("documentation", "examples")


class _Loader(botocore.loaders.Loader):
    """Most of a model is prose: without it, 45 models take a third of the memory."""

    def load_service_model(self, *arguments: Any, **options: Any) -> Any:
        model = super().load_service_model(*arguments, **options)
        if isinstance(model, dict) and model.get("documentation") is not None:
            _strip(model)
        return model


def _strip(value: Any) -> None:
    if isinstance(value, dict):
        for name in _PROSE:
            if isinstance(value.get(name), str):
                value[name] = ""
        for held in value.values():
            _strip(held)
    elif isinstance(value, list):
        for held in value:
            _strip(held)


@functools.cache
def loader() -> botocore.loaders.Loader:
    """One loader for the whole process."""
    return _Loader()


def session(**settings: Any) -> boto3.Session:
    """A boto3 session that reads its models here."""
    import boto3

    core = botocore.session.Session()
    core.register_component("data_loader", loader())
    return boto3.Session(botocore_session=core, **settings)
