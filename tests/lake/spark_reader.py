"""Counts rows of Delta tables with Spark: one JSON request a line in, its number or its error a line out.

    {"path": …, "column": …, "how": "null|equal|least", "value": …, "is_time": bool}

Runs in an environment of its own (`spark.txt`): Spark and the client of Spark that Sail is asked with are one package
name. Delta's jars come from the registry that Spark asks by itself, once.
"""

import datetime
import json
import pathlib
import sys

from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession, functions

SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.jars.ivy": str(pathlib.Path(sys.prefix) / "jars"),
}


def count(spark, path, column, how, value, is_time):
    field = functions.col(f"`{column}`")
    if is_time:
        value = functions.expr(f"timestamp'{datetime.datetime.fromisoformat(value).replace(tzinfo=None)}'")
    chosen = field.isNull() if how == "null" else field == value if how == "equal" else field >= value
    return spark.read.format("delta").load(path).filter(chosen).count()


def main():
    builder = SparkSession.builder.master("local[2]")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    spark = configure_spark_with_delta_pip(builder).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    for line in sys.stdin:
        try:
            answer = count(spark, **json.loads(line))
        except Exception as problem:
            answer = f"{type(problem).__name__}: {str(problem)[:200]}"
        print(f"counted {json.dumps(answer)}", flush=True)


if __name__ == "__main__":
    main()
