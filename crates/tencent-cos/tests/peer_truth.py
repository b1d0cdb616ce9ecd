"""What the official client lists and reads of a bucket, as one JSON object.

Started by peer_truth.rs with a JSON object on standard input.
"""

import hashlib
import json
import logging
import sys

from qcloud_cos import CosConfig, CosS3Client

logging.disable(logging.CRITICAL)

task = json.load(sys.stdin)
BUCKET = task["bucket"]
client = CosS3Client(
    CosConfig(Region=task["region"], SecretId=task["secret_id"], SecretKey=task["secret_key"], Scheme="http",
              Timeout=20, IP="127.0.0.1", Port=task["port"]),
    retry=1,
)


def listed(prefix, delimiter):
    """Objects with sizes, and folders, of all pages."""
    objects, folders, marker = [], [], ""
    for _ in range(1000):
        page = client.list_objects(Bucket=BUCKET, Prefix=prefix, Delimiter=delimiter, Marker=marker,
                                   MaxKeys=task["max_keys"])
        objects += [[item["Key"], int(item["Size"])] for item in page.get("Contents", [])]
        folders += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        if page["IsTruncated"] == "false":
            break
        marker = page["NextMarker"]
    return {"objects": objects, "folders": folders}


def digest(key):
    # The client takes one leading slash away.
    key = "/" + key if key.startswith("/") else key
    answer = client.get_object(Bucket=BUCKET, Key=key, KeySimplifyCheck=False)
    return hashlib.sha1(answer["Body"].get_raw_stream().read()).hexdigest()


everything = listed("", "")
json.dump(
    {
        "everything": everything,
        "folders": {prefix: listed(prefix, "/") for prefix in task["prefixes"]},
        "digests": {key: digest(key) for key, _ in everything["objects"]},
    },
    sys.stdout,
)
