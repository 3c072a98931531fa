"""Variables and inputs encrypted at rest: sealed when they are written, opened when somebody looks at them.

Reading a page of instances opens nothing. A value that cannot be opened stops what needs it (a deploy, a change), and
nothing else: neither the list it stands in, nor the other instances of a batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from railway_saas.errors import UndecipherableError

if TYPE_CHECKING:
    from uuid import UUID

    from railway_saas.domain.instances import Applied, Instance, InstanceConfig


class VariableCipher(Protocol):
    """Encrypts text. Bring your own: a key in memory, or a service that keeps keys."""

    def seal(self, plain: str, *, context: str) -> str:
        """Encrypt. What was sealed in one context must not open in another."""
        ...

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt.

        Raises:
            UndecipherableError: The key is gone, or the text was altered or stood elsewhere.
        """
        ...

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the key that is used for new text."""
        ...


class Sealed:
    """Several mappings in one sealed text, opened together when the first of them is looked at."""

    __slots__ = ("_cipher", "_opened", "context", "text")

    def __init__(self, text: str, cipher: VariableCipher | None, context: str) -> None:
        self.text = text
        self.context = context
        self._cipher = cipher
        self._opened: dict[str, Any] | None = None

    def part(self, name: str) -> Mapping[str, Any]:
        """One of the mappings.

        Raises:
            UndecipherableError: It cannot be opened.
        """
        opened = self._opened
        if opened is None:
            if self._cipher is None:
                raise UndecipherableError(
                    f"{self.context}: is encrypted, and this database was opened without a cipher"
                )
            opened = cast("dict[str, Any]", json.loads(self._cipher.open(self.text, context=self.context)))
            self._opened = opened
        part: Mapping[str, Any] = opened[name]
        return part


class SealedMapping(Mapping[str, Any]):
    """A mapping that is opened when it is looked at."""

    __slots__ = ("name", "whole")

    def __init__(self, whole: Sealed, name: str) -> None:
        self.whole = whole
        self.name = name

    def __getitem__(self, key: str) -> Any:
        return self.whole.part(self.name)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole.part(self.name))

    def __len__(self) -> int:
        return len(self.whole.part(self.name))

    def __repr__(self) -> str:
        return f"SealedMapping({self.name!r})"


_CONFIG: Final = ("inputs", "variables")
_APPLIED: Final = ("inputs", "previous_inputs", "previous_values", "variables")


def seal_instance(instance: Instance, cipher: VariableCipher | None) -> Instance:
    """The instance with every variable and input sealed; what is sealed with the present key stays as it is."""
    if cipher is None:
        return instance
    desired, observed = instance.desired, instance.observed
    config = _sealed(desired.config, _CONFIG, cipher, config_context(instance.id))
    applied = observed.applied
    if applied is not None:
        applied = _sealed(applied, _APPLIED, cipher, applied_context(instance.id))
    if config is desired.config and applied is observed.applied:
        return instance
    return replace(
        instance, desired=replace(desired, config=config), observed=replace(observed, applied=applied)
    )


def is_stale(instance: Instance, cipher: VariableCipher | None) -> bool:
    """Whether something of it is not sealed with the cipher's present key."""
    return seal_instance(instance, cipher) is not instance


def _sealed(holder: Any, names: tuple[str, ...], cipher: VariableCipher, context: str) -> Any:
    parts = {name: getattr(holder, name) for name in names}
    known = sealed_text(*parts.values())
    at_home = all(_is_at_home(part, name, context) for name, part in parts.items())
    if known is not None and at_home and cipher.is_current(known):
        return holder
    plain = {name: _plain(part) for name, part in parts.items()}
    whole = Sealed(cipher.seal(json.dumps(plain), context=context), cipher, context)
    return replace(holder, **{name: SealedMapping(whole, name) for name in names})


def _is_at_home(part: Any, name: str, context: str) -> bool:
    """Whether it was sealed for this very place: inputs move from what is wanted to what was given, and back."""
    return isinstance(part, SealedMapping) and (part.name, part.whole.context) == (name, context)


def _plain(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    mapping = cast("Mapping[str, Any]", value)
    return {key: _plain(item) for key, item in mapping.items()}


def sealed_text(*mappings: Mapping[str, Any]) -> str | None:
    """The text that all of them are sealed in; None: they are not, or not together."""
    wholes = {id(one.whole): one.whole for one in mappings if isinstance(one, SealedMapping)}
    if len(wholes) != 1 or not all(isinstance(one, SealedMapping) for one in mappings):
        return None
    (whole,) = wholes.values()
    return whole.text


def config_context(instance_id: UUID) -> str:
    """What the inputs and variables of an instance are bound to."""
    return f"instances.config:{instance_id}"


def applied_context(instance_id: UUID) -> str:
    """What the inputs and variables that Railway was given are bound to."""
    return f"instances.applied:{instance_id}"


def open_config(
    stored: Mapping[str, Any], cipher: VariableCipher | None, instance_id: UUID
) -> Mapping[str, Any]:
    """A stored `config` with its sealed parts as mappings that open themselves."""
    return _with_parts(stored, _CONFIG, cipher, config_context(instance_id))


def open_applied(
    stored: Mapping[str, Any], cipher: VariableCipher | None, instance_id: UUID
) -> Mapping[str, Any]:
    """The same for `applied`."""
    return _with_parts(stored, _APPLIED, cipher, applied_context(instance_id))


def _with_parts(
    stored: Mapping[str, Any], names: tuple[str, ...], cipher: VariableCipher | None, context: str
) -> Mapping[str, Any]:
    if "sealed" not in stored:
        return stored
    whole = Sealed(stored["sealed"], cipher, context)
    return {**stored, **{name: SealedMapping(whole, name) for name in names}}


def stored_config(config: InstanceConfig) -> dict[str, Any]:
    """What is written to `config`."""
    known = sealed_text(config.inputs, config.variables)
    return config.to_json() if known is None else {"sealed": known, "limits": config.limits.to_json()}


def stored_values(applied: Applied) -> dict[str, Any]:
    """The part of `applied` that may be sealed: values of variables and inputs."""
    parts = {name: getattr(applied, name) for name in _APPLIED}
    known = sealed_text(*parts.values())
    return {name: _plain(part) for name, part in parts.items()} if known is None else {"sealed": known}
