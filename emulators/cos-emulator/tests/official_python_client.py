"""What the official client gets from the emulator, as one JSON object.

Started by official_python_client.rs with a JSON object on standard input.
"""

import base64
import hashlib
import json
import logging
import os
import sys
import tempfile

import crcmod
import requests
from qcloud_cos import CosConfig, CosS3Client, CosServiceError

logging.disable(logging.CRITICAL)

task = json.load(sys.stdin)
HOST, PORT = "127.0.0.1", task["port"]
BUCKET, REGION = task["bucket"], task["region"]
# CRC-64/XZ, as `resumable_downloader.py` of the client checks it.
crc64 = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, xorOut=0xFFFFFFFFFFFFFFFF, rev=True)


def client(secret_id=task["secret_id"], secret_key=task["secret_key"], region=REGION,
           token=task["token"], **options):
    config = CosConfig(
        Region=region, SecretId=secret_id, SecretKey=secret_key, Token=token, Scheme="http",
        Timeout=20, **(options or {"IP": HOST, "Port": PORT}),
    )
    return CosS3Client(config, retry=1)


def error(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except CosServiceError as failure:
        return [failure.get_status_code(), failure.get_error_code()]
    return None


def pages(**options):
    """All pages by NextMarker: their keys, common prefixes and sizes."""
    keys, prefixes, sizes, marker = [], [], [], ""
    while len(sizes) < 100:
        page = cos.list_objects(Bucket=BUCKET, Marker=marker, **options)
        found = [item["Key"] for item in page.get("Contents", [])]
        groups = [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        keys += found
        prefixes += groups
        sizes.append(len(found) + len(groups))
        if page["IsTruncated"] == "false":
            break
        marker = page["NextMarker"]
    return {"keys": keys, "prefixes": prefixes, "sizes": sizes}


def read(key, **options):
    # The client takes one leading slash away.
    key = "/" + key if key.startswith("/") else key
    answer = cos.get_object(Bucket=BUCKET, Key=key, KeySimplifyCheck=False, **options)
    body = answer["Body"].get_raw_stream().read()
    return body, answer


cos = client()
service = client(ServiceDomain="%s:%d" % (HOST, PORT))
result = {}

first = service.list_buckets(MaxKeys=1)
result["buckets"] = [
    [bucket["Name"], bucket["Location"]]
    for bucket in service.list_buckets()["Buckets"]["Bucket"]
]
result["bucket_page"] = [first["IsTruncated"], first["NextMarker"]]
result["region_buckets"] = [
    bucket["Name"] for bucket in service.list_buckets(Region=REGION)["Buckets"]["Bucket"]
]
result["no_buckets"] = service.list_buckets(Region="ap-nowhere")["Buckets"]

result["pages"] = pages(MaxKeys=3)
result["grouped"] = pages(MaxKeys=2, Delimiter="/")
result["prefixed"] = pages(MaxKeys=1000, Prefix="a/")
result["encoded"] = [
    item["Key"]
    for item in cos.list_objects(Bucket=BUCKET, EncodingType="url", MaxKeys=1000)["Contents"]
]
result["bodies"] = {
    key: base64.b64encode(read(key)[0]).decode() for key in task["readable"]
}

whole, answer = read(task["large"])
result["large"] = {
    "sha1": hashlib.sha1(whole).hexdigest(),
    "crc_fits": str(crc64(whole)) == answer["x-cos-hash-crc64ecma"],
}
part, answer = read(task["large"], Range="bytes=1000-70000")
result["part"] = {
    "sha1": hashlib.sha1(part).hexdigest(),
    "content_range": answer["Content-Range"],
}
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "large")
    # Ranges in several threads, then a check of the CRC.
    cos.download_file(
        Bucket=BUCKET, Key=task["large"], DestFilePath=path, PartSize=1, MAXThread=2,
        EnableCRC=True,
    )
    with open(path, "rb") as file:
        result["downloaded"] = hashlib.sha1(file.read()).hexdigest()

result["head"] = cos.head_object(Bucket=BUCKET, Key=task["large"])["Content-Length"]
result["head_bucket"] = cos.head_bucket(Bucket=BUCKET)["x-cos-bucket-region"]
address = cos.get_presigned_url(
    BUCKET, task["large"], "GET", SignHost=False,
    Params={"x-cos-security-token": task["token"]},
)
presigned = requests.get(
    address, timeout=20, headers={"Host": "%s.cos.%s.myqcloud.com" % (BUCKET, REGION)},
)
result["presigned"] = [presigned.status_code, hashlib.sha1(presigned.content).hexdigest()]

result["errors"] = {
    "wrong key": error(client(secret_key="wrong").list_objects, Bucket=BUCKET),
    "wrong key for buckets": error(
        client(secret_key="wrong", ServiceDomain="%s:%d" % (HOST, PORT)).list_buckets
    ),
    "unknown id": error(client(secret_id="AKIDunknown").list_objects, Bucket=BUCKET),
    "no token": error(client(token=None).list_objects, Bucket=BUCKET),
    "no object": error(cos.get_object, Bucket=BUCKET, Key="gone"),
    "no object to head": error(cos.head_object, Bucket=BUCKET, Key="gone"),
    "no bucket": error(cos.list_objects, Bucket="gone-1250000000"),
    "another region": error(client(region="ap-shanghai").list_objects, Bucket=BUCKET),
    "behind the end": error(read, task["large"], Range="bytes=99999999-"),
    "put": error(cos.put_object, Bucket=BUCKET, Key="new", Body=b"new"),
    "delete": error(cos.delete_object, Bucket=BUCKET, Key=task["large"]),
}

json.dump(result, sys.stdout)
