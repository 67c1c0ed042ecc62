"""Pascal VOC as Roboflow exports it: `X.xml` beside `X.jpg`, things as `<polygon>` or `<bndbox>`.

A polygon wins over the box around it. Document types and entities are refused.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from trainer.data.annotation import Annotation, Mark, box, polygon
from trainer.data.report import DataReport, Reason
from trainer.data.tree import Tree

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(tree: Tree, report: DataReport) -> Iterator[Annotation]:
    """An annotation per XML file that has a photo beside it."""
    images = {file.with_suffix(""): file for file in tree.images()}
    for file in tree.with_suffix(".xml"):
        image = images.get(file.with_suffix(""))
        root = _parse(file, tree, report)
        if image is None:
            report.note(Reason.IMAGE_MISSING, tree.show(file))
            continue
        marks = None if root is None else tuple(_mark(node) for node in root.iter("object"))
        size = None if root is None else _size(root)
        yield Annotation(image, tree.show(file), "voc", tree.data_set(file), tree.split(file), marks, size)


def _parse(file: Path, tree: Tree, report: DataReport) -> Element | None:
    try:
        root: Element = ElementTree.fromstring(file.read_bytes(), forbid_dtd=True)
        _size(root)
    except DefusedXmlException as error:
        report.note(Reason.XML_REFUSED, f"{tree.show(file)}: {type(error).__name__}")
    except (OSError, ParseError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
        report.note(Reason.ANNOTATION_BROKEN, f"{tree.show(file)}: {error}")
    else:
        return root
    return None


def _size(root: Element) -> tuple[int, int]:
    """(width, height) in pixels. Raises ValueError where they are missing or not positive."""
    width, height = (int(root.findtext(f"size/{side}", "")) for side in ("width", "height"))
    if width < 1 or height < 1:
        raise ValueError(f"a size of {width} x {height}")
    return width, height


def _mark(node: Element) -> Mark:
    name = node.findtext("name", "")
    outline, corners = node.find("polygon"), node.find("bndbox")
    try:
        if outline is not None:
            return Mark(name, polygon(float(child.text or "") for child in outline))
        if corners is not None:
            left, top, right, bottom = (float(corners.findtext(tag, "")) for tag in _CORNERS)
            return Mark(name, box(left, top, right, bottom), is_box=True)
    except ValueError:
        pass
    return Mark(name, Reason.OUTLINE_BROKEN)
