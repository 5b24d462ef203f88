"""What a checkpoint's file may be, looked at before torch reads it.

`torch.load(weights_only=True)` runs no foreign code, but it inflates compressed entries, makes
arrays of any length a pickle asks for and hashes any key. A file that passes here costs about its
own size in memory.
"""

import itertools
import pickletools
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import IO, Any

MAX_ENTRIES = 40_000
MAX_DIRECTORY = 4 << 20
"""Bytes of the zip's table of contents."""
MAX_PICKLE = 32 << 20
"""Bytes of `data.pkl`."""
MAX_OPCODES = 500_000
"""A tensor takes about 25 of them, and each may make an object of about 100 bytes."""

ENTRY = re.compile(
    r"[\w.-]+/(data\.pkl|data/\d+|byteorder|version|\.[a-z_]+|\.data/serialization_id)", re.ASCII
)
"""What torch.save writes."""
STORAGES = (
    *("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"),
    *("ComplexFloat", "ComplexDouble"),
)
CALLABLE = {"torch._utils _rebuild_tensor_v2", "collections OrderedDict"}
GLOBALS = CALLABLE | {f"torch {name}Storage" for name in STORAGES}

END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR64 = struct.Struct("<4sLQL")


def check_archive(file: IO[bytes]) -> None:
    """Make sure that an open file is a zip as torch.save writes it, of tensors and plain values.

    Raises:
        ValueError: it is not; says why.
        OSError: it cannot be read.
    """
    size = file.seek(0, 2)
    _check_directory(file, size)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_entries(entries, size)
            pickled = archive.read(next(e for e in entries if e.filename.endswith("/data.pkl")))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ValueError(f"damaged or not a checkpoint ({error})") from error
    _check_pickle(pickled)


def _check_directory(file: IO[bytes], size: int) -> None:
    """The table of contents is small, and where every reader of zips looks for it.

    Else Python might see other entries than torch.
    """
    tail_size = END64.size + LOCATOR64.size + END.size
    file.seek(max(0, size - tail_size))
    tail = file.read(tail_size).rjust(tail_size, b"\0")
    end64 = END64.unpack_from(tail)
    locator = LOCATOR64.unpack_from(tail, END64.size)
    end = END.unpack_from(tail, END64.size + LOCATOR64.size)
    if end[0] != b"PK\5\6" or end[-1]:
        file.seek(0)
        is_zip = file.read(4) == b"PK\3\4"
        raise ValueError("damaged, its end is missing" if is_zip else "not a checkpoint")
    stop = size - END.size
    count, length, start = end[4:7]
    if locator[0] == b"PK\6\7":
        stop = size - tail_size
        count, length, start = end64[7:10]
        if end64[0] != b"PK\6\6" or locator[2] != stop:
            raise ValueError("damaged, its zip has no clear end")
    if count > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise ValueError(f"refused, its zip lists more than {MAX_ENTRIES:,} entries")
    if start + length != stop:
        raise ValueError("damaged, its zip has no clear end")


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    names = [entry.orig_filename for entry in entries]
    pickles = [entry for entry in entries if entry.orig_filename.endswith("/data.pkl")]
    if not all(map(ENTRY.fullmatch, names)) or len(pickles) != 1:
        raise ValueError("it holds other entries than torch.save writes")
    if len({name.partition("/")[0] for name in names}) > 1:
        raise ValueError("it holds more than one folder")
    if len(set(names)) < len(names):
        raise ValueError("it holds an entry twice")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError("its entries are compressed")
    if any(entry.compress_size != entry.file_size for entry in entries):
        raise ValueError("its entries' sizes contradict each other")
    if sum(entry.file_size for entry in entries) > size:
        raise ValueError("its entries are larger than the file")
    if pickles[0].file_size > MAX_PICKLE:
        raise ValueError(f"its pickle has more than {MAX_PICKLE:,} bytes")


def _opcodes(pickled: bytes) -> Iterator[tuple[str, Any]]:
    """Names and arguments of a pickle's opcodes, not too many of them."""
    found = pickletools.genops(pickled)
    for number in itertools.count():
        try:
            opcode, argument, _ = next(found)
        except StopIteration:
            return
        except ValueError as error:
            raise ValueError("damaged, its pickle breaks off") from error
        if number > MAX_OPCODES:
            raise ValueError(f"refused, it holds more than {MAX_OPCODES:,} values")
        yield opcode.name, argument


def _check_pickle(pickled: bytes) -> None:
    """Follow a pickle without making anything.

    Of each value on the stack only this is kept: the name of a global, `()`, or whether it can
    be a key. A tuple cannot: to hash one that holds another twice, thirty deep, takes hours.

    Raises:
        ValueError: it holds more than tensors and plain values, or too many of them.
    """
    stack: list[object] = []
    marks: list[int] = []
    memo: dict[int, object] = {}

    def since_mark() -> list[object]:
        start = marks.pop()
        values = stack[start:]
        del stack[start:]
        return values

    def take(count: int) -> list[object]:
        values = [stack.pop() for _ in range(count)]
        return values[::-1]

    def refuse_keys(keys: list[object]) -> None:
        if not all(key is True for key in keys):
            raise ValueError("refused, its keys are neither str nor int")

    try:
        for name, argument in _opcodes(pickled):
            match name:
                case "PROTO" | "STOP":
                    pass
                case "BINUNICODE" | "BININT" | "BININT1" | "BININT2" | "LONG1":
                    stack.append(True)
                case "BINFLOAT" | "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_LIST" | "EMPTY_DICT":
                    stack.append(False)
                case "EMPTY_TUPLE":
                    stack.append(())
                case "TUPLE1" | "TUPLE2" | "TUPLE3":
                    take(int(name[-1]))
                    stack.append(False)
                case "TUPLE":
                    since_mark()
                    stack.append(False)
                case "MARK":
                    marks.append(len(stack))
                case "BINPUT" | "LONG_BINPUT":
                    memo[argument] = stack[-1]
                case "BINGET" | "LONG_BINGET":
                    stack.append(memo[argument])
                case "APPEND":
                    take(1)
                case "APPENDS":
                    since_mark()
                case "SETITEM":
                    refuse_keys(take(2)[:1])
                case "SETITEMS":
                    refuse_keys(since_mark()[::2])
                case "GLOBAL" if argument in GLOBALS:
                    stack.append(argument)
                case "BINPERSID":
                    take(1)
                    stack.append(False)
                case "BUILD":  # attributes of an OrderedDict, in format 1
                    take(1)
                case "REDUCE":
                    function, arguments = take(2)
                    if function not in CALLABLE or (
                        function == "collections OrderedDict" and arguments != ()
                    ):
                        raise ValueError("refused, it calls what no checkpoint has to call")
                    stack.append(False)
                case _:
                    raise ValueError(
                        "refused, it holds more than tensors and plain values and could run code"
                    )
    except (IndexError, KeyError) as error:
        raise ValueError("damaged, its pickle breaks off") from error
