"""An empty window as large as the desk's, which `zuoxi bench` measures the desk beside.

Run as a file. It imports nothing but the PySide6 that any window needs: whatever it took longer by
would make the desk look quick.
"""

import sys

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow


class _Window(QMainWindow):
    """Says when it was painted, and ends the program when it is answered."""

    def paintEvent(self, event: QPaintEvent) -> None:
        QTimer.singleShot(0, self._stand)

    def _stand(self) -> None:
        print("\n", flush=True)
        sys.stdin.readline()
        QApplication.quit()


if __name__ == "__main__":
    app = QApplication([])
    window = _Window()
    window.resize(1440, 900)
    window.show()
    sys.exit(app.exec())
