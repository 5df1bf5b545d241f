package codestream

// A Marker is a codestream marker code (Table A.1).
type Marker uint16

// The markers of Part 1 and Part 15.
const (
	SOC       Marker = 0xFF4F
	CAPMarker Marker = 0xFF50
	SIZ       Marker = 0xFF51
	COD       Marker = 0xFF52
	COC       Marker = 0xFF53
	TLM       Marker = 0xFF55
	PLM       Marker = 0xFF57
	PLT       Marker = 0xFF58
	CPF       Marker = 0xFF59
	QCD       Marker = 0xFF5C
	QCC       Marker = 0xFF5D
	RGN       Marker = 0xFF5E
	POC       Marker = 0xFF5F
	PPM       Marker = 0xFF60
	PPT       Marker = 0xFF61
	CRG       Marker = 0xFF63
	COM       Marker = 0xFF64
	SOT       Marker = 0xFF90
	SOP       Marker = 0xFF91
	EPH       Marker = 0xFF92
	SOD       Marker = 0xFF93
	EOC       Marker = 0xFFD9
)
