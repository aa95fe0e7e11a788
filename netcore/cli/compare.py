"""Compare the settings and results of runs."""

from collections.abc import Sequence

import click

from netcore.cli.options import complete_runs, json_option, print_json, print_table, runs_dir_option
from netcore.core.formatting import format_percent


@click.command()
@click.argument("runs", nargs=-1, required=True, shell_complete=complete_runs)
@runs_dir_option
@json_option
def command(runs: Sequence[str], runs_dir: str, as_json: bool) -> None:
    """Compare the settings and results of RUNS."""
    from netcore.core.run import load_run
    from netcore.publish.run_comparison import compare_runs, differing_settings

    rows = compare_runs([load_run(name, runs_dir) for name in runs])
    if as_json:
        return print_json(rows)
    names = [row["name"] for row in rows]
    lines = [("recipe", *(row["recipe"] or "" for row in rows))]
    lines += [(key, *(format_cell(row["settings"].get(key)) for row in rows)) for key in differing_settings(rows)]
    results = dict.fromkeys(key for row in rows for key in row["results"])
    lines += [(key, *(format_cell(row["results"].get(key), key) for row in rows)) for key in results]
    return print_table(("", *names), lines)


def format_cell(value: object, key: str = "") -> str:
    """Format a setting or result for a cell of the table."""
    if value is None:
        return "–"
    if isinstance(value, float) and ("accuracy" in key or "deviation" in key):
        return format_percent(value, 2)
    if isinstance(value, list):
        return ", ".join(map(format_cell, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{k} {format_cell(v)}" for k, v in value.items()) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and value >= 100):
        return f"{value:,.0f}"
    return f"{value:g}" if isinstance(value, float) else str(value)
