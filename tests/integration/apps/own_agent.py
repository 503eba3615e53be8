"""A user's own agent and table beside the worker's: counts orders by customer."""

import os
from typing import Any

from worker.app import create_app
from worker.settings import load_settings

app = create_app(load_settings())
orders = app.topic(os.environ["ORDERS_TOPIC"])
totals = app.topic(os.environ["TOTALS_TOPIC"])
counts = app.Table("counts", default=int, partitions=4)


@app.agent(orders)
async def count_orders(stream: Any) -> None:
    async for order in stream:
        counts[order["customer"]] += 1
        await totals.send(key=order["customer"], value={"order": order["id"], "count": counts[order["customer"]]})
