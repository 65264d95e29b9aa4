"""A small vector language, in which the kernels are written.

A ``Function`` collects LLVM's text form of one function; a ``Value`` is computed in it, by Python's
operators. A vector of eight numbers is one register of AVX-512, two of AVX, four of SSE or NEON:
LLVM splits it where it must.

Values never change: what a loop carries from one round to the next goes in and out of it by name.
Pointers are not checked against any bounds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

LANES = 8
"""Numbers in one vector."""

INT, REAL, POINTER = "i64", "double", "ptr"
VECTOR = f"<{LANES} x {REAL}>"
INTS = f"<{LANES} x {INT}>"

_REVERSED = list(reversed(range(LANES)))


@dataclass(frozen=True, eq=False)
class Value:
    """A number, vector or address in a function."""

    function: Function
    name: str
    type: str

    def __add__(self, other: Value | float) -> Value:
        return self._operate("add", other)

    def __sub__(self, other: Value | float) -> Value:
        return self._operate("sub", other)

    def __mul__(self, other: Value | float) -> Value:
        return self._operate("mul", other)

    def __floordiv__(self, other: Value | int) -> Value:
        return self._operate("sdiv", other)

    def __and__(self, other: Value | int) -> Value:
        return self._operate("and", other)

    def __lshift__(self, other: Value | int) -> Value:
        return self._operate("shl", other)

    def __xor__(self, other: Value | int) -> Value:
        return self._operate("xor", other)

    def __neg__(self) -> Value:
        return self.function.emit(self.type, f"fneg {self.type} {self.name}")

    def compare(self, relation: str, other: Value | float) -> Value:
        """Return the truth of ``relation``: eq, ne, slt of integers, or oeq, une, olt of reals."""
        kind = "icmp" if relation in ("eq", "ne", "slt") else "fcmp"
        right = self.function.value(other, self.type)
        text = f"{kind} {relation} {self.type} {self.name}, {right.name}"
        return self.function.emit(self.type.replace(REAL, "i1").replace(INT, "i1"), text)

    def select(self, yes: Value, no: Value) -> Value:
        """Return ``yes`` where this is true, else ``no``."""
        text = f"select {self.type} {self.name}, {yes.type} {yes.name}, {no.type} {no.name}"
        return self.function.emit(yes.type, text)

    def shuffle(self, order: Sequence[int]) -> Value:
        """Return the lanes of this vector in another order."""
        mask = ", ".join(f"i32 {lane}" for lane in order)
        text = f"shufflevector {self.type} {self.name}, {self.type} poison"
        return self.function.emit(self.type, f"{text}, <{len(order)} x i32> <{mask}>")

    def reverse(self) -> Value:
        """Return the lanes of this vector backwards."""
        return self.shuffle(_REVERSED)

    def splat(self) -> Value:
        """Return the vector with this number in every lane."""
        vector = f"<{LANES} x {self.type}>"
        text = f"insertelement {vector} poison, {self.type} {self.name}, i32 0"
        return self.function.emit(vector, text).shuffle([0] * LANES)

    def cast(self, how: str, to: str) -> Value:
        """Return the same as another type: by zext, bitcast, or the like."""
        return self.function.emit(to, f"{how} {self.type} {self.name} to {to}")

    def _operate(self, operation: str, other: Value | float) -> Value:
        right = self.function.value(other, self.type)
        if REAL in self.type:  # a product and a sum may become one fused instruction
            operation = f"f{operation} contract"
        return self.function.emit(self.type, f"{operation} {self.type} {self.name}, {right.name}")


@dataclass(eq=False)
class Loop:
    """A loop under construction: its counter, and the values it carries."""

    index: Value
    carried: list[Value]
    following: list[Value] = field(default_factory=list)
    results: list[Value] = field(default_factory=list)

    def carry(self, *values: Value) -> None:
        """Give the next round these values."""
        self.following = list(values)


class Function:
    """One function under construction.

    ``arguments`` are names and types; they become attributes by name in ``self.arguments``.
    """

    def __init__(self, name: str, result: str = "void", **arguments: str) -> None:
        self.name, self.result = name, result
        self._lines: list[str] = []
        self._label, self._count = "entry", 0
        self._types = arguments
        self.arguments = [Value(self, f"%{each}", kind) for each, kind in arguments.items()]

    def text(self) -> str:
        """Return the function in LLVM's text form."""
        arguments = ", ".join(f"{kind} %{name}" for name, kind in self._types.items())
        body = "\n".join(["entry:", *self._lines])
        return f"define {self.result} @{self.name}({arguments}) nounwind {{\n{body}\n}}\n"

    def emit(self, kind: str, text: str) -> Value:
        """Add an instruction, and return what it computes."""
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {text}")
        return Value(self, name, kind)

    def value(self, value: Value | float, kind: str) -> Value:
        """Return a value, or a constant of the type ``kind`` with it in every lane."""
        if isinstance(value, Value):
            return value
        element = kind.rpartition(" ")[2].rstrip(">")
        text = f"0x{struct.pack('>d', value).hex()}" if element == REAL else str(value)
        if kind != element:
            text = f"<{', '.join([f'{element} {text}'] * LANES)}>"
        return Value(self, text, kind)

    def address(self, base: Value, index: Value, kind: str) -> Value:
        """Return the address of element ``index`` of an array of the type ``kind``."""
        text = f"getelementptr {kind}, ptr {base.name}, {index.type} {index.name}"
        return self.emit(POINTER, text)

    def load(self, base: Value, index: Value | int, kind: str, align: int = 8) -> Value:
        """Return element ``index`` of an array of the type ``kind``."""
        at = self.address(base, self.value(index, INT), kind)
        return self.emit(kind, f"load {kind}, ptr {at.name}, align {align}")

    def store(self, value: Value, base: Value, index: Value | int) -> None:
        """Set element ``index`` of an array of the value's type."""
        at = self.address(base, self.value(index, INT), value.type)
        self._lines.append(f"  store {value.type} {value.name}, ptr {at.name}, align 8")

    def prefetch(self, base: Value, index: Value, kind: str) -> None:
        """Have an element, which need not exist, brought near while other work goes on."""
        at = self.address(base, index, kind)
        self._lines.append(f"  call void @llvm.prefetch.p0(ptr {at.name}, i32 0, i32 2, i32 1)")

    def gather(self, base: Value, indices: Value) -> Value:
        """Return the elements of a table of reals at ``indices``, a vector of integers."""
        kind = f"<{LANES} x ptr>"
        at = self.emit(
            kind, f"getelementptr {REAL}, ptr {base.name}, {indices.type} {indices.name}"
        )
        every = f"<{LANES} x i1> <{', '.join(['i1 true'] * LANES)}>"
        arguments = f"{kind} {at.name}, i32 8, {every}, {VECTOR} poison"
        return self.emit(VECTOR, f"call {VECTOR} @llvm.masked.gather.v8f64.v8p0({arguments})")

    def total(self, vector: Value) -> Value:
        """Return the sum over the lanes of a vector of reals."""
        step = LANES // 2
        while step:
            vector = vector + vector.shuffle([lane ^ step for lane in range(LANES)])
            step //= 2
        return self.emit(REAL, f"extractelement {VECTOR} {vector.name}, i32 0")

    def call(self, function: Function, *arguments: Value) -> Value:
        """Call another function."""
        listed = ", ".join(f"{each.type} {each.name}" for each in arguments)
        text = f"call {function.result} @{function.name}({listed})"
        if function.result != "void":
            return self.emit(function.result, text)
        self._lines.append(f"  {text}")
        return self.value(0, INT)

    def give(self, value: Value | None = None) -> None:
        """Return from the function."""
        self._lines.append(f"  ret {value.type} {value.name}" if value else "  ret void")

    @contextmanager
    def loop(
        self,
        start: Value | int,
        stop: Value | int,
        step: Value | int = 1,
        carry: Sequence[Value] = (),
    ) -> Iterator[Loop]:
        """Count from ``start`` to before ``stop``, carrying values of which ``carry`` are first."""
        first, last, by = (self.value(each, INT) for each in (start, stop, step))
        before, (head, body, done) = self._label, self._labels(3)
        self._jump(head)
        place = len(self._lines)
        index = self.emit(INT, "")
        carried = [self.emit(each.type, "") for each in carry]
        inside = index.compare("slt", last)
        self._branch(inside, body, done)
        self._start(body)
        loop = Loop(index, carried, results=carried)
        yield loop
        following = [index + by, *loop.following]
        end = self._label
        self._jump(head, start=False)
        for offset, (old, new) in enumerate(zip([first, *carry], following, strict=True)):
            here = [index, *carried][offset]
            phi = f"phi {here.type} [ {old.name}, %{before} ], [ {new.name}, %{end} ]"
            self._lines[place + offset] = f"  {here.name} = {phi}"
        self._start(done)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Do what follows only where ``condition`` holds."""
        body, done = self._labels(2)
        self._branch(condition, body, done)
        self._start(body)
        yield
        self._jump(done)

    def _labels(self, count: int) -> list[str]:
        self._count += count
        return [f"b{self._count - i}" for i in range(count)]

    def _start(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._label = label

    def _jump(self, label: str, *, start: bool = True) -> None:
        self._lines.append(f"  br label %{label}")
        if start:
            self._start(label)

    def _branch(self, condition: Value, yes: str, no: str) -> None:
        self._lines.append(f"  br i1 {condition.name}, label %{yes}, label %{no}")
