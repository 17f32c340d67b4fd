# SPDX-License-Identifier: BSD-3-Clause
"""Mutated command lines: exit status 0, 1 or 2 with a message, never a traceback, never a hang.

A line starts from one of the commands that the help shows, with random expressions; then words,
characters, numbers and files are changed: dropped, doubled, swapped with others, made huge, empty,
non-ASCII. Files are CSV that is cut, ragged, binary, huge in one line, a folder, a pipe, or not
there.
"""

import contextlib
import io
import json
import os
import signal
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from thalweg._formulas import expressions
from thalweg.cli import main

SECONDS = 30.0
MEMORY = 3 << 30
ISAS = False
NOTES: Counter[str] = Counter()

EXPRESSIONS = [
    "exp(x) - log(x)",
    "(1 - x)**2 + 100*(y - x**2)**2",
    "x**2 + 3*y**2",
    "x*log(x)",
    "(x**2 + y - 11)**2 + (x + y**2 - 7)**2",
    "a * exp(-x / b) + c",
    "where(x > 0, x**2, -x)",
    "abs(x) + max(x, y, 1) + sin(pi*x)",
    "logaddexp(x, y) + hypot(x, y) + erf(x)",
]
METHODS = ["lbfgs", "newton", "adam", "gradient_descent", "compass", "momentum", "cg", "bogus", ""]
NUMBERS = ["0", "1", "-1", "0.1", "1e-3", "1e308", "1e999", "-0", "nan", "inf", "-inf", "pi/2",
           "1/0",
           "2**3", "1_0", "0x10", "", " ", "1,5", "one", "10**400", "9" * 400, "1e-320", "3j",
           "True", "--", "1:2", "\N{GREEK SMALL LETTER PI}"]  # fmt: skip
COUNTS = ["1", "5", "20", "0", "-3", "1.5", "1e3", "nan", "", "2147483648", "9223372036854775808"]
WORDS = ["", " ", "=", "x", "x=", "=1", "x=1", "y=2", "z=0", "x=0:5", "x=5:0", "x=:", "x=0:1:3:log",
         "--", "-", "--json", "--help", "--version", "--start", "--bounds", "--plot", "--nothing",
         "\x00", "\n", "é=1", "x\N{ZERO WIDTH SPACE}=1", "(" * 500, "x" * 5000, "lambda: 0",
         "__import__('os')", "x[0]", "x; y", "-x" * 300, "x**" * 200 + "x", "'", '"', "\\", "%s",
         "{x}", "\udcff"]  # fmt: skip


def trial(seed: int) -> list[str]:
    rng = np.random.default_rng([53, seed])
    with tempfile.TemporaryDirectory() as folder:
        line = Line(rng, Path(folder))
        found = [f"{fault}\n{line.words!r}" for fault in said(line.words, folder)]
        if line.pipe:  # lets the writer go, if nobody has read
            os.close(os.open(line.pipe, os.O_RDONLY | os.O_NONBLOCK))
        return found


class HangError(BaseException):
    """Raised by the alarm."""


def _feed(pipe: Path, text: str) -> None:
    """Write into a pipe; its reader may go before, and the folder too."""
    with contextlib.suppress(OSError):  # else the thread's traceback is taken for the next trial's
        pipe.write_text(text)


def _alarm(*_: Any) -> None:
    raise HangError


def said(words: list[str], folder: str) -> list[str]:
    """Run the command in this process; what is wrong with how it ended."""
    out, err = io.StringIO(), io.StringIO()
    here = Path.cwd()
    os.chdir(folder)
    signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(20)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status: Any = main(words)
    except SystemExit as e:
        status = e.code
    except HangError:
        return ["hangs: no end within 20 s"]
    except BaseException as e:
        import traceback

        place = traceback.extract_tb(e.__traceback__)[-1]
        return [f"a traceback: {type(e).__name__}: {str(e)[:80]} ({Path(place.filename).name})"]
    finally:
        signal.alarm(0)
        os.chdir(here)
    NOTES[f"status {status}"] += 1
    if status not in (0, 1, 2, None):
        return [f"exit status {status}"]
    faults = []
    if "Traceback" in err.getvalue() + out.getvalue():
        faults.append("a traceback is printed")
    if status == 2 and not err.getvalue().strip():
        faults.append("status 2 without a message")
    if status == 2 and err.getvalue().count("\n") > 2:
        faults.append("status 2 with more than a line")
    if status == 0 and not out.getvalue().strip() and not err.getvalue().strip():
        faults.append("status 0 without a word")
    if status == 0 and "--json" in words and "--help" not in words and "--version" not in words:
        try:
            json.loads(out.getvalue())
        except ValueError:
            if words[:1] not in (["gallery"], ["completion"]):
                faults.append("what --json prints is no JSON")
    return faults


class Line:
    """A command line, mutated."""

    def __init__(self, rng: np.random.Generator, folder: Path) -> None:
        self.rng, self.folder, self.names = rng, folder, ["x", "y"]
        self.pipe: Path | None = None
        makers = [self.minimize, self.minimize, self.multistart, self.basins, self.sweep, self.fit,
                  self.fit, self.info]  # fmt: skip
        self.words: list[str] = self.one(makers)()
        for _ in range(int(rng.choice(5, p=[0.6, 0.25, 0.09, 0.03, 0.03]))):
            self.mutate()

    def one(self, among: Any) -> Any:
        return among[int(self.rng.integers(len(among)))]

    def number(self) -> str:
        if self.rng.random() < 0.9:
            return f"{self.rng.normal():.3g}"
        return str(self.one(NUMBERS))

    def expression(self) -> str:
        text = str(self.one(EXPRESSIONS))
        if self.rng.random() < 0.4:
            others = ["gammaln", "polygamma", "cbrt", "floor", "expit", "xlogy", "where", "ln"]
            name = self.one([*expressions.ALIASES, *expressions.OPERATORS.values(), *others])
            arguments = ", ".join(self.one(["x", "y", "1e9", "0", "x*y", "-1"])
                                  for _ in range(int(self.rng.integers(0, 4))))  # fmt: skip
            text = f"{text} + {name}({arguments})"
        if self.rng.random() < 0.1:
            text = self.bent(text)
        with contextlib.suppress(expressions.ExpressionError):
            self.names = list(expressions.parse(text).variables)
        return text

    def bent(self, text: str) -> str:
        """Text with characters changed."""
        if not text:
            return "x"
        i, j = sorted(int(self.rng.integers(len(text) + 1)) for _ in "ab")
        return str(self.one([
            text[:i] + text[j:],
            text[:i] + text[i:j] * 2 + text[j:],
            text[:i] + str(self.one(WORDS)) + text[i:],
            text[:i] + str(self.one(list("()+-*/,.=:<>!^&|~@#$ \t01x"))) + text[i:],
            text[::-1],
            text.upper(),
        ]))  # fmt: skip

    def given(self, flag: str, low: bool = True) -> list[str]:
        names = [*self.names, *(["z"] if self.rng.random() < 0.03 else [])]
        ends = f"{self.number()}:{self.number()}" if self.rng.random() < 0.2 else "-5:5"
        return [w for n in names for w in (flag, f"{n}={self.number() if low else ends}")]

    def limits(self) -> list[str]:
        flags = ["--max-iter", "--max-nfev", "--gtol", "--ftol", "--xtol"]
        found = ["--max-time", "2"]
        for _ in range(int(self.rng.integers(0, 3))):
            flag = str(self.one(flags))
            found += [
                flag,
                str(self.one(["7", *COUNTS]))
                if "max" in flag
                else self.one(["1e-6", self.number()]),
            ]
        if self.rng.random() < 0.3:
            found += ["--json"]
        return found

    def method(self) -> list[str]:
        if self.rng.random() < 0.4:
            return []
        method = str(self.one(METHODS))
        rules = method in ("adam", "gradient_descent", "momentum")
        rate = str(self.one(["0.1", "1e-3", self.number()]))
        return ["--method", method, *(["--learning-rate", rate] if rules else [])]

    def minimize(self) -> list[str]:
        bounds = self.given("--bounds", low=False) if self.rng.random() < 0.3 else []
        return ["minimize", self.expression(), *self.given("--start"), *bounds, *self.method(),
                *self.limits()]  # fmt: skip

    def multistart(self) -> list[str]:
        more = ["--n", str(self.one(["5", "50", *COUNTS]))] if self.rng.random() < 0.7 else []
        return ["multistart", self.expression(), *self.given("--bounds", low=False), *self.method(),
                *more, *self.limits()]  # fmt: skip

    def basins(self) -> list[str]:
        shape = ["--shape", str(self.one(["8x8", "4,4", "16", *COUNTS[:6]]))]
        return ["basins", self.expression(), *self.given("--bounds", low=False), *self.method(),
                *shape, *self.limits()]  # fmt: skip

    def sweep(self) -> list[str]:
        grid = str(self.one(["0.01:1:5:log", "0.1,0.2", "0:1:3", "1", "1:0:-1", "a:b:c", "::",
                             "0:1:99999999999", ""]))  # fmt: skip
        return ["sweep", self.expression(), *self.given("--start"), "--learning-rate", grid,
                *self.limits()]  # fmt: skip

    def info(self) -> list[str]:
        return [str(self.one(["info", "gallery", "completion", "", "--version", "--help"]))]

    def fit(self) -> list[str]:
        starts = ["--start", "a=1", "--start", f"b={self.number()}", "--start", "c=0"]
        columns = str(self.one(["x", "x", "x", "s", "1", ""]))
        more = self.one([[], ["--sigma", "s"], ["--json"], ["--loss", "huber"], ["--fixed", "a=2"],
                         ["--loss", "soft_l1"], ["--bounds", "a=0:10"]])  # fmt: skip
        y = str(self.one(["counts", "counts", "counts", "s", "2"]))
        return ["fit", self.file(), "a * exp(-x / b) + c", "--x", columns, "--y", y, *starts, *more]

    def file(self) -> str:
        """A file with columns x, counts and s, or something that is none."""
        path = self.folder / "data.csv"
        how = int(self.rng.integers(12))
        rows = [f"{x:.3f},{3 * np.exp(-x) + 1:.3f},1" for x in np.linspace(0, 4, 20)]
        text = "\n".join(["x,counts,s", *rows]) + "\n"
        if how == 0:
            return str(self.one(["no_such_file.csv", "", ".", "/", "/dev/null", "\x00", "a" * 300]))
        if how == 1:
            self.pipe = path
            os.mkfifo(path)
            threading.Thread(target=_feed, args=[path, text], daemon=True).start()
            return str(path)
        if how == 2:
            path.mkdir()
            return str(path)
        if how == 3:
            path.write_bytes(self.rng.bytes(int(self.rng.integers(0, 5000))))
            return str(path)
        if how == 4:
            path.write_text("x,counts,s\n" + "1," * 200_000)
            return str(path)
        if how == 5:
            path.write_text("x,counts,s\n" * int(self.rng.integers(0, 3)))
            return str(path)
        data = text.encode(str(self.one(["utf-8", "utf-8", "utf-16", "utf-8-sig", "latin-1"])))
        for _ in range(int(self.rng.integers(0, 4)) if how < 9 else 0):
            i, j = sorted(int(self.rng.integers(len(data) + 1)) for _ in "ab")
            piece = str(self.one([*NUMBERS, '"', "\n", ";", ",", "\r", "\t"])).encode()
            data = self.one([
                data[:i],
                data[:i] + piece + data[i:],
                data[:i] + data[j:],
                data.replace(b",", str(self.one([";", "\t", " ", ",,"])).encode()),
                data[:i] + bytes([int(self.rng.integers(256))]) + data[i + 1 :],
            ])  # fmt: skip
        path.write_bytes(data)
        return str(path)

    def mutate(self) -> None:
        words = self.words
        first = int(self.rng.random() < 0.9)  # the command itself now and then
        i, j = (
            min(first, len(words) - 1) + int(self.rng.integers(max(1, len(words) - first)))
            for _ in "ab"
        )
        how = int(self.rng.integers(7))
        if how == 0 and len(words) > 1:
            del words[i]
        elif how == 1:
            words.insert(i, words[j])
        elif how == 2:
            words[i], words[j] = words[j], words[i]
        elif how == 3:
            words[i] = str(self.one(WORDS))
        elif how == 4:
            words.insert(i, str(self.one(WORDS)))
        elif how == 5:
            words[i] = str(self.one(NUMBERS))
        else:
            words[i] = self.bent(words[i])
