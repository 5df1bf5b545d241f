// This file holds a stroke font of our own: capitals, digits and a few signs,
// each a few polylines on a grid 4 wide and 6 high with y down.

package testimg

import "image"

// strokes are the polylines of each character. Points are two digits, x then y;
// polylines are apart by spaces.
var strokes = map[byte]string{
	'A':  "062046 1434",
	'B':  "00063645443303 0030414233",
	'C':  "4130100105163645",
	'D':  "00062644422000",
	'E':  "40000646 0333",
	'F':  "400006 0333",
	'G':  "41301001051636454323",
	'H':  "0006 4046 0343",
	'I':  "2026",
	'J':  "404536160504",
	'K':  "0006 4003 1346",
	'L':  "000646",
	'M':  "0600234046",
	'N':  "06004640",
	'O':  "103041453616050110",
	'P':  "06003041423303",
	'Q':  "103041453616050110 2446",
	'R':  "06003041423303 2346",
	'S':  "413010010213334445361605",
	'T':  "0040 2026",
	'U':  "000516364540",
	'V':  "002640",
	'W':  "0016233640",
	'X':  "0046 4006",
	'Y':  "002340 2326",
	'Z':  "00400646",
	'0':  "103041453616050110",
	'1':  "112026 1636",
	'2':  "01103041420646",
	'3':  "01103041423313 334445361605",
	'4':  "36300444",
	'5':  "400003334445361605",
	'6':  "4130100105163645443303",
	'7':  "004016",
	'8':  "13020110304142331304051636454433",
	'9':  "0516364541301001021343",
	'.':  "2526",
	',':  "2516",
	'-':  "1333",
	':':  "2122 2425",
	'\'': "2021",
	'/':  "0640",
	'(':  "30213436",
	')':  "10212416",
}

// Polylines returns the strokes of a character as points; nil when it has none.
func Polylines(ch byte) [][]image.Point {
	var lines [][]image.Point
	var line []image.Point
	s := strokes[ch]
	for i := 0; i < len(s); {
		if s[i] == ' ' {
			if len(line) > 0 {
				lines = append(lines, line)
			}
			line = nil
			i++
			continue
		}
		line = append(line, image.Pt(int(s[i]-'0'), int(s[i+1]-'0')))
		i += 2
	}
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines
}

// glyphs are the characters as bitmaps 5 wide and 7 high: one byte a row, the
// leftmost column in the lowest bit.
var glyphs = makeGlyphs()

func makeGlyphs() (bitmaps [128][7]uint8) {
	for ch := range strokes {
		for _, line := range Polylines(ch) {
			for i := 1; i < len(line); i++ {
				a, b := line[i-1], line[i]
				steps := max(b.X-a.X, a.X-b.X, b.Y-a.Y, a.Y-b.Y)
				for n := range steps + 1 {
					x := a.X + rounded((b.X-a.X)*n, steps)
					y := a.Y + rounded((b.Y-a.Y)*n, steps)
					bitmaps[ch][y] |= 1 << x
				}
			}
		}
	}
	return bitmaps
}

// rounded is a/b to the nearest integer, halves up.
func rounded(a, b int) int {
	if b == 0 {
		return 0
	}
	q := 2*a + b
	if q < 0 {
		return -((-q + 2*b - 1) / (2 * b))
	}
	return q / (2 * b)
}

// glyphAt reports whether a character has ink at a column and row of its
// bitmap.
func glyphAt(ch byte, column, row int) bool {
	return row < 7 && column < 5 && glyphs[ch&127][row]>>column&1 != 0
}
