"""`mien data preview`: what an augmentation recipe makes of a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mien.errors import UsageError


def preview(
    recipe: Annotated[str | None, typer.Argument(help="Name of a recipe: r0, r0-r2, r3, r4, mien.")] = None,
    image: Annotated[Path | None, typer.Argument(metavar="IMG", help="A picture.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Contact sheet to write: .png, .jpg or .webp.")] = Path("sheet.png"),
    count: Annotated[int, typer.Option(min=1, max=400, help="How many variations.")] = 15,
    columns: Annotated[int, typer.Option(min=1, max=20, help="Pictures in a row.")] = 4,
    side: Annotated[int, typer.Option(min=32, max=1024, help="Pixels of each picture's long side on the sheet.")] = 192,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the variations.")] = 0,
    listing: Annotated[bool, typer.Option("--list", help="List the recipes and their steps.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --list: print JSON.")] = False,
) -> None:
    """Write a contact sheet of a picture under an augmentation recipe, or list the recipes."""
    from mien.data.recipes import RECIPES

    if listing:
        _list(as_json)
        return
    if recipe is None or image is None:
        raise UsageError(f"wanted a recipe and a picture; recipes: {', '.join(RECIPES)} (--list shows their steps)")
    from mien.cli.render import say
    from mien.data.contact import recipe_sheet
    from mien.data.encode import write_picture
    from mien.data.recipes import recipe as recipe_by_name
    from mien.io.images import read_image

    chosen = recipe_by_name(recipe)
    sheet = recipe_sheet(chosen, read_image(image).image, count=count, seed=seed, columns=columns, side=side)
    write_picture(output, sheet)
    say(f"{output}: {recipe}, {count} variations of {image}")


def _list(as_json: bool) -> None:
    from mien.cli.render import print_table
    from mien.data.recipes import OPERATIONS, RECIPES

    if as_json:
        found = [
            {
                "name": recipe.name,
                "source": recipe.source,
                "border": recipe.border,
                "steps": [
                    {
                        "operation": s.operation,
                        "unit": OPERATIONS[s.operation],
                        "low": s.low,
                        "high": s.high,
                        "chance": s.chance,
                        "spread": s.spread,
                    }
                    for s in recipe.steps
                ],
            }
            for recipe in RECIPES.values()
        ]
        typer.echo(json.dumps(found))
    else:
        print_table(["recipe", "steps"], [[recipe.name, "; ".join(map(str, recipe.steps))] for recipe in RECIPES.values()])
