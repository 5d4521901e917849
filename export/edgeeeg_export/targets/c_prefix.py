"""Which symbol prefixes a program may have: PREFIX_t, PREFIX.h and the rest must be nobody else's."""

from __future__ import annotations

from edgeeeg_export.errors import ExportError

KEYWORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if inline int
    long register restrict return short signed sizeof static struct switch typedef union unsigned void
    volatile while""".split()  # noqa: SIM905 - one word a line would be forty lines
)
"""Of C99, in lower case."""

_CPP_KEYWORDS = frozenset(
    """and and_eq asm bitand bitor bool catch class compl concept constexpr decltype delete explicit export
    false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public
    requires template this throw true try typeid typename using virtual xor xor_eq""".split()  # noqa: SIM905
)

_TYPES = frozenset(
    """blkcnt blksize clock clockid dev div double fenv fexcept float fpos gid id imaxdiv ino int16 int32
    int64 int8 int_fast16 int_fast32 int_fast64 int_fast8 int_least16 int_least32 int_least64 int_least8
    intmax intptr jmp_buf ldiv lldiv max_align mbstate mode nlink off pid ptrdiff sig_atomic size ssize
    suseconds time timer uid uint16 uint32 uint64 uint8 uint_fast16 uint_fast32 uint_fast64 uint_fast8
    uint_least16 uint_least32 uint_least64 uint_least8 uintmax uintptr useconds wchar wctrans wctype
    wint""".split()  # noqa: SIM905
)
"""What stands before `_t` in the types of C99 and POSIX."""

_HEADERS = frozenset(
    """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool
    stddef stdint stdio stdlib string tgmath time wchar wctype""".split()  # noqa: SIM905
)
"""Headers of C99: a `math.h` among the model's files would hide the compiler's."""

_FIRMWARE = frozenset(
    """board_mps2 board_mps3_an547 byte_ring cortex_m framing kernel_check link little_endian main protocol
    startup systick uart uart_cmsdk""".split()  # noqa: SIM905
)
"""Files of our firmware, which are compiled beside the model's."""

OURS = "edgeeeg"


def require_prefix(name: str) -> None:
    """Refuse a symbol prefix that C, its library or our own sources have taken.

    Raises
    ------
    ExportError
        Naming what it collides with.
    """
    taken = {
        "a keyword of C": KEYWORDS,
        "a keyword of C++": _CPP_KEYWORDS,
        f"the stem of the type {name}_t": _TYPES,
        f"the stem of the header {name}.h": _HEADERS,
        "the stem of a file of the firmware": _FIRMWARE,
    }
    for what, names in taken.items():
        if name in names:
            raise ExportError(
                f"'{name}' cannot be the symbol prefix, for it is {what}: choose another --name"
            )
    if name == OURS or name.startswith(f"{OURS}_"):
        raise ExportError(
            f"'{name}' cannot be the symbol prefix, for {OURS}_ begins the runtime's own symbols and files: "
            "choose another --name"
        )
