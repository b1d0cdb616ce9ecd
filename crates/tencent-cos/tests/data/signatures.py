"""Writes signatures.json: requests, and what the official SDK for Python signs them with.

    PYTHONPATH=/path/to/cos-python-sdk-v5 python3 signatures.py > signatures.json

Made with cos-python-sdk-v5 1.9.41. The SDK is only called (`CosS3Auth`), with its clock stopped; the string it hashes
is taken from its debug log.
"""
import json
import logging
import random
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


# What keys are made of below: every ASCII character but the slash and the dot, and some of each length in UTF-8.
CHARACTERS = [chr(c) for c in range(1, 128) if chr(c) not in "/."] + list("éß报告あ한😀👩‍💻\u2028\ufeff")

HEADERS = [
    {},
    {"Range": "bytes=0-"},
    {"Range": "bytes=65536-131071", "If-Match": '"0a1b2c-1"'},
    {"If-None-Match": '"0a 1b"', "If-Modified-Since": "Fri, 24 May 2019 11:49:50 GMT"},
]


def generated():
    """The same requests each time: objects of odd keys with each set of headers, lists with each set of parameters."""
    chance = random.Random(20_250_101)

    def text(longest):
        return "".join(chance.choice(CHARACTERS) for _ in range(chance.randint(1, longest)))

    for number in range(140):
        key = "/".join(text(24) for _ in range(chance.randint(1, 4))) + chance.choice(["", "/", ".txt", ".tar.gz", "..."])
        key = chance.choice(["", "", "", "/", "//"]) + key
        method = ["GET", "HEAD"][number % 2]
        yield f"object {number}", method, CLOUD, key, {}, HEADERS[number % len(HEADERS)]
    for number in range(100):
        query = {"encoding-type": "url", "max-keys": str(chance.randint(1, 1000))}
        for name in ("prefix", "marker"):
            if chance.random() < 0.7:
                query[name] = text(40) + "/" + text(10)
        if chance.random() < 0.8:
            query["delimiter"] = "/"
        base = [CLOUD, "https://b-1250000000.cos-internal.ap-beijing-fsi.tencentcos.cn", "http://b-1.localhost"][number % 3]
        yield f"list {number}", "GET", base, "", query, {}


def main():
    time.time = lambda: NOW
    strings = []
    handler = logging.Handler()
    handler.emit = lambda record: strings.append(record.getMessage())
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    config = CosConfig(Region="ap-guangzhou", SecretId=SECRET_ID, SecretKey=SECRET_KEY)
    table = []
    for name, method, base, key, query, headers in [*REQUESTS, *generated()]:
        strings.clear()
        path = quote(key, "/-_.~").replace("../", "..%2F").replace("/..", "%2F..").replace("/./", "%2F.%2F")
        url = f"{base}/{path}" + (f"?{urlencode(query, quote_via=quote, safe='')}" if query else "")
        request = requests.Request(method, url, headers=headers)
        # The SDK takes one leading slash away.
        signed_key = "/" + key if key.startswith("/") else key
        signed = CosS3Auth(config, signed_key or None, query)(request).headers["Authorization"]
        [hashed] = [s.removeprefix("format str: ") for s in strings if s.startswith("format str: ")]
        sent = {k: v for k, v in headers.items() if k not in ("Host", "Authorization")}
        table.append({"name": name, "method": method, "url": url, "headers": sent, "http_string": hashed,
                      "authorization": signed})
    rows = ",\n".join(json.dumps(row) for row in table)
    print(f'{{"secret_id": "{SECRET_ID}", "secret_key": "{SECRET_KEY}", "requests": [\n{rows}\n]}}')


main()
