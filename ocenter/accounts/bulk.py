"""Many rows in one statement: PostgreSQL reads them from one JSON text.

For a batch of a hundred rows this takes a fifth of what `bulk_create` does: orjson writes the text, and
nothing is quoted, escaped or converted value by value in Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, models
from django.db.models import Field, Model

Row = Mapping[str, Any]


def insert(model: type[Model], rows: Sequence[Row]) -> None:
    """Inserts the rows, all with the same columns (a foreign key by its column's name, such as "system_id").

    Defaults are not filled in and no signal is sent. Raises what the database raises.
    """
    if rows:
        _execute(_insert_sql(model, tuple(rows[0])), rows)


def update(model: type[Model], rows: Sequence[Row]) -> None:
    """Updates by "id" the other columns the rows name."""
    if rows:
        _execute(_update_sql(model, tuple(rows[0])), rows)


def take_ids(model: type[Model], count: int) -> list[int]:
    """The next `count` primary keys of a model, for rows that refer to each other before they are written."""
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, key, count]
        )
        return [int(row[0]) for row in cursor.fetchall()]


def row_of(instance: Model) -> Row:
    """A model instance as a row of all its columns."""
    return {field.column: getattr(instance, field.attname) for field in instance._meta.concrete_fields}


def _execute(sql: str, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, [orjson.dumps(rows).decode()])


@lru_cache
def _insert_sql(model: type[Model], columns: tuple[str, ...]) -> str:
    names = ", ".join(columns)
    return f"INSERT INTO {model._meta.db_table} ({names}) SELECT {names} FROM {_recordset(model, columns)}"  # noqa: S608


@lru_cache
def _update_sql(model: type[Model], columns: tuple[str, ...]) -> str:
    changes = ", ".join(f"{name} = r.{name}" for name in columns if name != "id")
    return f"UPDATE {model._meta.db_table} AS t SET {changes} FROM {_recordset(model, columns)} WHERE t.id = r.id"  # noqa: S608


def _recordset(model: type[Model], columns: tuple[str, ...]) -> str:
    fields = {field.column: field for field in model._meta.concrete_fields}
    typed = ", ".join(f"{name} {_type(fields[name])}" for name in columns)
    return f"jsonb_to_recordset(%s::jsonb) AS r({typed})"


def _type(field: Field[Any, Any]) -> str:
    """The column's type; a serial key and a key of it are plain numbers here."""
    if isinstance(field, models.AutoField | models.BigAutoField | models.SmallAutoField):
        return "bigint"
    return str(field.db_type(connection))
