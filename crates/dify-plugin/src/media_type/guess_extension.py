"""Writes guess_extension.tsv: every media type to which Python gives an extension, and that extension.

    python3.12 guess_extension.py > guess_extension.tsv

Dify calls `mimetypes.guess_extension` of Python 3.12 in an image that has Debian's package `media-types`. Made with Python
3.12.1 and media-types 10.0.0.
"""
import mimetypes

mimetypes.init()
# A type keeps its extensions where a later file gives one of them to another type, as .xml of text/xml.
for media_type in sorted(mimetypes._db.types_map_inv[True]):
    if extension := mimetypes.guess_extension(media_type):
        print(media_type, extension, sep="\t")
