"""Writes signatures.json: requests, and what the official SDK for Python signs them with.

    PYTHONPATH=/path/to/cos-python-sdk-v5 python3 signatures.py > signatures.json

Made with cos-python-sdk-v5 1.9.41. The SDK is only called (`CosS3Auth`), with its clock stopped; the string it hashes
is taken from its debug log.
"""
import json
import logging
import sys
import time
import types
from urllib.parse import quote, urlencode

sys.modules.setdefault("crcmod", types.ModuleType("crcmod"))  # Needed by parts of the SDK that are not used here.

import requests
from qcloud_cos import CosConfig
from qcloud_cos.cos_auth import CosS3Auth, logger

NOW = 1_700_000_000
SECRET_ID, SECRET_KEY = "AKIDEXAMPLEEXAMPLEEXAMPLE", "SecretKeyOfAnExampleOnly"
CLOUD = "https://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com"
LOCAL = "http://127.0.0.1:9000"

REQUESTS = [
    ("list of buckets", "GET", "https://service.cos.myqcloud.com", "", {"max-keys": "2000"}, {}),
    ("list of a folder", "GET", CLOUD, "",
     {"encoding-type": "url", "max-keys": "20", "prefix": "报告/a b+c%/", "delimiter": "/", "marker": "报告/a b+c%/&=?.txt"}, {}),
    ("plain key", "GET", CLOUD, "docs/a.txt", {}, {}),
    ("key in Chinese with a space", "GET", CLOUD, "docs/报告 一.txt", {}, {}),
    ("key of reserved characters", "GET", CLOUD, "a//b/+%#?&=!*'();:@,$[]~/😀", {}, {}),
    ("key with dot segments", "GET", CLOUD, "a/../b/./c", {}, {}),
    ("key with control characters", "HEAD", CLOUD, "a\nb\tc\x7f", {}, {}),
    ("rest of an object", "GET", CLOUD, "docs/a.txt", {}, {"Range": "bytes=5-", "If-Match": '"0a1b"'}),
    ("port, and bucket in the path", "HEAD", LOCAL, "examplebucket-1250000000/docs/a.txt", {}, {"Host": "127.0.0.1:9000"}),
]


def main():
    time.time = lambda: NOW
    strings = []
    handler = logging.Handler()
    handler.emit = lambda record: strings.append(record.getMessage())
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    config = CosConfig(Region="ap-guangzhou", SecretId=SECRET_ID, SecretKey=SECRET_KEY)
    table = []
    for name, method, base, key, query, headers in REQUESTS:
        strings.clear()
        path = quote(key, "/-_.~").replace("../", "..%2F").replace("/..", "%2F..").replace("/./", "%2F.%2F")
        url = f"{base}/{path}" + (f"?{urlencode(query, quote_via=quote, safe='')}" if query else "")
        request = requests.Request(method, url, headers=headers)
        signed = CosS3Auth(config, key or None, query)(request).headers["Authorization"]
        [hashed] = [s.removeprefix("format str: ") for s in strings if s.startswith("format str: ")]
        sent = {k: v for k, v in headers.items() if k not in ("Host", "Authorization")}
        table.append({"name": name, "method": method, "url": url, "headers": sent, "http_string": hashed,
                      "authorization": signed})
    json.dump({"secret_id": SECRET_ID, "secret_key": SECRET_KEY, "requests": table}, sys.stdout, indent=1)
    print()


main()
