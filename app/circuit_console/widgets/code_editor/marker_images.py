"""Pictures for the editor's margins, painted from the tokens."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

_GLYPH_PX = 16


def breakpoint_image(color: QColor) -> QImage:
    with _Canvas(_GLYPH_PX, _GLYPH_PX) as canvas:
        canvas.painter.setBrush(color)
        canvas.painter.drawEllipse(QRectF(1, 1, 14, 14))
    return canvas.image


def conditional_image(color: QColor, ground: QColor) -> QImage:
    """A disc with an equals sign cut out."""
    with _Canvas(_GLYPH_PX, _GLYPH_PX) as canvas:
        canvas.painter.setBrush(color)
        canvas.painter.drawEllipse(QRectF(1, 1, 14, 14))
        canvas.painter.fillRect(QRectF(4.5, 5.5, 7, 1.8), ground)
        canvas.painter.fillRect(QRectF(4.5, 8.9, 7, 1.8), ground)
    return canvas.image


def logpoint_image(color: QColor) -> QImage:
    with _Canvas(_GLYPH_PX, _GLYPH_PX) as canvas:
        canvas.painter.setBrush(color)
        canvas.painter.drawPolygon(_polygon((8, 0.5), (15.5, 8), (8, 15.5), (0.5, 8)))
    return canvas.image


def checkpoint_image(color: QColor) -> QImage:
    """A flag on its pole."""
    with _Canvas(_GLYPH_PX, _GLYPH_PX) as canvas:
        canvas.painter.setBrush(color)
        canvas.painter.drawPolygon(_polygon((4, 1), (14, 5.5), (4, 10)))
        canvas.painter.fillRect(QRectF(3, 1, 1.8, 14), color)
    return canvas.image


def unverified_image(color: QColor) -> QImage:
    """A ring: the runtime has not confirmed it."""
    with _Canvas(_GLYPH_PX, _GLYPH_PX) as canvas:
        canvas.painter.setPen(QPen(color, 1.8))
        canvas.painter.drawEllipse(QRectF(2, 2, 12, 12))
    return canvas.image


def arrow_image(color: QColor) -> QImage:
    """The block arrow of the line that runs next."""
    with _Canvas(_GLYPH_PX, _GLYPH_PX) as canvas:
        canvas.painter.setBrush(color)
        canvas.painter.setPen(
            QPen(color, 1.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        )
        arrow = ((2, 5.2), (7.5, 5.2), (7.5, 1.8), (14, 8), (7.5, 14.2), (7.5, 10.8), (2, 10.8))
        canvas.painter.drawPolygon(_polygon(*arrow))
    return canvas.image


def arrow_on_disc_image(disc: QColor, arrow: QColor, ground: QColor) -> QImage:
    """The arrow on a breakpoint: both stay visible."""
    with _Canvas(_GLYPH_PX, _GLYPH_PX) as canvas:
        painter = canvas.painter
        painter.setBrush(disc)
        painter.drawEllipse(QRectF(0.5, 0.5, 15, 15))
        shape = _polygon((3.6, 6.2), (7.6, 6.2), (7.6, 3.4), (13, 8), (7.6, 12.6), (7.6, 9.8), (3.6, 9.8))
        painter.setBrush(arrow)
        painter.setPen(
            QPen(ground, 1.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        )
        painter.drawPolygon(shape)
    return canvas.image


def fold_image(color: QColor, *, is_open: bool) -> QImage:
    """A small triangle: down for an open block, to the right for a folded one."""
    down, right = ((4.5, 6), (11.5, 6), (8, 10.5)), ((6, 4.5), (6, 11.5), (10.5, 8))
    with _Canvas(_GLYPH_PX, _GLYPH_PX) as canvas:
        canvas.painter.setBrush(color)
        canvas.painter.drawPolygon(_polygon(*(down if is_open else right)))
    return canvas.image


def bar_image(color: QColor, bar_px: float, margin_px: int, height_px: int) -> QImage:
    """A bar as high as a line at the right of the coverage margin."""
    with _Canvas(margin_px, height_px) as canvas:
        canvas.painter.fillRect(QRectF(margin_px - bar_px, 0, bar_px, height_px), color)
    return canvas.image


class _Canvas:
    """A transparent image and an antialiasing painter on it, ended at the close.

    In the view's own pixels: Scintilla's Qt surface draws an image's pixels one by one, whatever scale it is told,
    so that a finer image would be a larger one on a fine screen.
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self.image = QImage(width_px, height_px, QImage.Format.Format_RGBA8888)
        self.image.fill(Qt.GlobalColor.transparent)
        self.painter = QPainter()

    def __enter__(self) -> _Canvas:
        self.painter.begin(self.image)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.painter.setPen(Qt.PenStyle.NoPen)
        return self

    def __exit__(self, *_: object) -> None:
        self.painter.end()


def _polygon(*points: tuple[float, float]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])
