"""Drivers of databases: the packages that SQLAlchemy needs for a store, beside itself."""

from __future__ import annotations

from discover_mlflow.addresses import public_address
from discover_mlflow.sqlite_check import refusal

_PACKAGES = {  # by the module of a driver, where the package is called otherwise
    "psycopg": "'psycopg[binary]'",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "mysql": "mysql-connector-python",
}


def check_driver(address: str) -> None:
    """Check that the driver of a store's database is installed: MLflow would try for minutes to load it.

    Raises:
        UserError: it is not; the sentence has the package.
    """
    if address.startswith(("http:", "https:", "file:", "sqlite:")) or "://" not in address:
        return
    module = _missing(address)
    if module:
        package = _PACKAGES.get(module, module)
        reason = f"the driver of its database, {module}, is not installed"
        raise refusal(public_address(address), reason, f"pip install {package}, ")


def _missing(address: str) -> str:
    """The module of the driver of a database, if it is missing; empty if it is there, or if the address is of no database."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(address).get_dialect().import_dbapi()
    except ModuleNotFoundError as error:
        return (error.name or "").partition(".")[0]
    except ArgumentError:  # MLflow knows other stores, which SQLAlchemy does not
        pass
    return ""
