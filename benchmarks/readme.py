"""The README's tables of quality, out of the JSON files in `benchmarks/results`: no number of it is typed by hand.

Run: `python -m benchmarks.readme` rewrites what stands between their marks; `--check` only says whether that is old.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gain_rows import gain_block
from benchmarks.side_by_side.bench import BENCHES
from benchmarks.side_by_side.table import RESULTS

README = Path(__file__).parents[1] / "README.md"
OURS = "hybrid"  # the default source of candidates: named beforehand, so that no test row chooses what is shown
BASELINE = "dense"  # what it is held against where no peer can be measured
HEADLINE = "NDCG@10"
NOTHING = "-"
_RECALLS = ("R@10", "R@20", "R@50")
_HEAD = ("data, users tested", "popularity", "best other", f"`{OURS}`, 95 % interval", *_RECALLS, "minus best other")
_NO_TABLE = "No table is kept yet; `make bench-quality-full DATA=DIR` makes it."


@dataclass(frozen=True)
class Panel:
    """The stages of one result that ranked the same candidates.

    Attributes:
        file: Name of the JSON file.
        record: All of it.
        suffix: What ends the stages' names: empty, `@all` or `@cold`.
    """

    file: str
    record: Mapping[str, Any]
    suffix: str

    @property
    def rival(self) -> str | None:
        """The peer that does best on these very rows, which favours it; else the baseline; None without either."""
        peers: list[str] = [name for name in self.record.get("peers", {}) if self._headline(name) is not None]
        if peers:
            return max(peers, key=lambda name: self._headline(name) or 0.0)
        baseline = BASELINE + self.suffix
        return baseline if self._headline(baseline) is not None else None

    def _headline(self, name: str) -> float | None:
        value: float | None = self.record["stages"].get(name, {}).get(HEADLINE, {}).get("mean")
        return value

    def cells(self) -> Sequence[str]:
        """One row of the table."""
        record, rival, ours = self.record, self.rival, OURS + self.suffix
        other = f"{self._mean(rival, HEADLINE)} `{rival.removesuffix(self.suffix)}`" if rival else NOTHING
        headline = record["stages"][ours][HEADLINE]
        return [
            f"[{self._about()}](benchmarks/results/{self.file}), {record['n_tested']:,}",
            self._mean("popularity" + self.suffix, HEADLINE),
            other,
            f"**{number(headline['mean'])}**{between(headline['ci95'], number)}",
            *(self._mean(ours, metric) for metric in _RECALLS),
            self._difference(ours, rival) if rival else NOTHING,
        ]

    def _about(self) -> str:
        record = self.record
        words = [record["data"]["name"], record["protocol"]]
        words += ["ties at random"] if record["ties"] == "random" else []
        words += ["(validation)"] if record["part"] != "test" else []
        return " ".join([*words, *({"@all": ["among all"], "@cold": ["among cold"]}.get(self.suffix, []))])

    def _mean(self, stage: str, metric: str) -> str:
        return number(self.record["stages"].get(stage, {}).get(metric, {}).get("mean"))

    def _difference(self, a: str, b: str) -> str:
        for found in self.record["differences"]:
            if found["metric"] == HEADLINE and {found["a"], found["b"]} == {a, b}:
                sign = 1 if found["a"] == a else -1
                ends = [None if end is None else sign * end for end in found["ci95"]]
                return signed(sign * found["mean"]) + between(ends[::sign], signed)
        return NOTHING


def number(value: float | None) -> str:
    """`.1234`; a dash for what is not known."""
    if value is None:
        return NOTHING
    return f"{value:.4f}".removeprefix("0")


def signed(value: float | None) -> str:
    """`+.0123`."""
    return number(value) if value is None else f"{'-' if value < 0 else '+'}{number(abs(value))}"


def between(ends: Sequence[float | None], text: Callable[[float | None], str]) -> str:
    """` (.1111 to .2222)`; nothing where there is no interval."""
    low, high = ends
    return "" if low is None or high is None else f" ({text(low)} to {text(high)})"


def quality_block(results: Path) -> str:
    """Markdown of the table, a row for each set of candidates of each kept result that has our stage."""
    rows = [panel.cells() for panel in _panels(results)]
    if not rows:
        return _NO_TABLE
    lines = [_HEAD, ["---"] * len(_HEAD), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_block(text: str, name: str, block: str) -> str:
    """`text` with `block` between the marks of `name`. Raises SystemExit unless they stand there once, in order."""
    first, last = marks(name)
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in rest or last in after:
        raise SystemExit(f"the text needs {first} and after it {last}, once each.")
    return f"{before}{first}\n{block}\n{last}{after}"


def marks(name: str) -> tuple[str, str]:
    """What stands before and after a block."""
    return f"<!-- {name}:BEGIN -->", f"<!-- {name}:END -->"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the blocks, or say that they are old."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 when a block is old")
    parser.add_argument("--readme", type=Path, default=README)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args(argv)
    old = arguments.readme.read_text(encoding="utf-8")
    new = with_block(old, "quality", quality_block(arguments.results))
    new = with_block(new, "gain", gain_block(arguments.results))
    if arguments.check:
        sys.exit(
            f"{arguments.readme} is not what the results say; run python -m benchmarks.readme" if new != old else 0
        )
    arguments.readme.write_text(new, encoding="utf-8")


def _panels(results: Path) -> Iterator[Panel]:
    """Benchmarks in their order, then whatever else was kept."""
    kept = sorted(path.stem for path in results.glob("*.json"))
    order = [name for name in BENCHES if name in kept] + [name for name in kept if name not in BENCHES]
    for name in order:
        record = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
        for suffix in ("", "@all", "@cold"):
            if OURS + suffix in record.get("stages", {}):
                yield Panel(f"{name}.json", record, suffix)


if __name__ == "__main__":
    main()
