"""Faults for tests, in every Python process that has this folder on its path.

Opening a recording whose name begins with a fault has that fault, as a decoder might: every
second opening is the decoder's, the one before reads the bytes. ``CALLAUDIT_KILL_AT=N`` ends the
process in the middle of its Nth renaming of a file. ``CALLAUDIT_POISON=MODULE:FUNCTION:CALL``
lets a function fail whenever what it is given has to do with that call, as a fault in it would.
"""

import ctypes
import errno
import functools
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time

opened: dict[str, int] = {}
renamed = 0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def take_all_memory() -> None:
    taken = []
    while True:
        taken.append(bytearray(64 << 20))


def lose_the_share() -> None:
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


WHEN_DECODED = {
    "segfault": lambda: ctypes.string_at(0),
    "hang": lambda: time.sleep(600),
    "deaf": lambda: ctypes.PyDLL(None).sleep(600),  # no other thread runs meanwhile
    "memory": take_all_memory,
    "killed": die,
}
WHEN_READ = {"silent": lambda: time.sleep(600), "stale": lose_the_share}


def strike(event: str, args: tuple[object, ...]) -> None:
    global renamed
    if event == "os.rename" and "CALLAUDIT_KILL_AT" in os.environ:
        renamed += 1
        if renamed == int(os.environ["CALLAUDIT_KILL_AT"]):
            die()
    if event != "open" or not isinstance(args[0], str | os.PathLike):
        return
    name = os.path.basename(os.fspath(args[0]))
    if not isinstance(name, str) or not name.endswith(".wav"):
        return
    fault = name.partition("_")[0].rstrip("0123456789")
    opened[name] = opened.get(name, 0) + 1
    if fault in WHEN_READ:
        WHEN_READ[fault]()
    if fault in WHEN_DECODED and opened[name] % 2 == 0:
        WHEN_DECODED[fault]()


sys.addaudithook(strike)


class Poison(importlib.abc.MetaPathFinder):
    """Finds one module, and exchanges a function of it once it is loaded."""

    def __init__(self, module: str, function: str, call: str) -> None:
        self.module, self.function, self.call = module, function, call

    def find_spec(self, name, path, target=None):
        if name != self.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        load = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (load(module), self.into(module))
        return spec

    def into(self, module: object) -> None:
        real = getattr(module, self.function)

        @functools.wraps(real)
        def poisoned(*args, **options):
            if f"'{self.call}'" in repr(args):
                raise RecursionError("at the customer's number 13900001111")
            return real(*args, **options)

        setattr(module, self.function, poisoned)


if "CALLAUDIT_POISON" in os.environ:
    sys.meta_path.insert(0, Poison(*os.environ["CALLAUDIT_POISON"].split(":")))
