"""How long the official client takes to read an object as the official plugin does, as one JSON object.

Started by throughput.rs with a JSON object on standard input.
"""

import json
import logging
import resource
import sys
import time

from qcloud_cos import CosConfig, CosS3Client

logging.disable(logging.CRITICAL)

task = json.load(sys.stdin)
client = CosS3Client(
    CosConfig(Region=task["region"], SecretId=task["secret_id"], SecretKey=task["secret_key"], Scheme="http",
              Timeout=60, IP="127.0.0.1", Port=task["port"]),
    retry=1,
)
start = time.monotonic()
content = client.get_object(Bucket=task["bucket"], Key=task["key"])["Body"].get_raw_stream().read()
seconds = time.monotonic() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
json.dump({"bytes": len(content), "seconds": seconds, "peak_kib": peak}, sys.stdout)
