"""Lists and reads COS with the official client, as the official plugin uses it: a client per call, one listing per page,
and a file read whole and sent as one blob."""

import os

from dify_plugin.entities.datasource import (
    OnlineDriveBrowseFilesResponse,
    OnlineDriveFile,
    OnlineDriveFileBucket,
)
from dify_plugin.interfaces.datasource.online_drive import OnlineDriveDatasource
from qcloud_cos import CosConfig, CosS3Client


class Drive(OnlineDriveDatasource):
    def _client(self):
        credentials = self.runtime.credentials
        config = CosConfig(
            Region=credentials["region"],
            SecretId=credentials["secret_id"],
            SecretKey=credentials["secret_key"],
            Scheme="http",
            IP="127.0.0.1",
            Port=int(credentials["port"]),
        )
        return CosS3Client(config)

    def _browse_files(self, request):
        marker = (request.next_page_parameters or {}).get("marker", "")
        listing = self._client().list_objects(
            Bucket=request.bucket,
            Prefix=request.prefix or "",
            Delimiter="/",
            MaxKeys=request.max_keys,
            Marker=marker,
        )
        files = [
            OnlineDriveFile(id=entry["Key"], name=os.path.basename(entry["Key"]), size=entry["Size"], type="file")
            for entry in listing.get("Contents", [])
        ]
        files.sort(key=lambda file: file.id)
        next_marker = listing.get("NextMarker")
        page = OnlineDriveFileBucket(
            bucket=request.bucket,
            files=files,
            is_truncated=listing.get("IsTruncated") == "true",
            next_page_parameters={"marker": next_marker} if next_marker else {},
        )
        return OnlineDriveBrowseFilesResponse(result=[page])

    def _download_file(self, request):
        response = self._client().get_object(Bucket=request.bucket, Key=request.id)
        content = response["Body"].get_raw_stream().read()
        media_type = response.get("Content-Type", "application/octet-stream")
        yield self.create_blob_message(content, meta={"file_name": request.id, "mime_type": media_type})
