module github.com/stria-j2k/stria/bench

go 1.26.0

require (
	github.com/stretchr/testify v1.12.1
	github.com/stria-j2k/stria v0.0.0-00010101000000-000000000000
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/maypok86/otter/v2 v2.4.0 // indirect
	github.com/pixiv/go-libjpeg v0.0.0-20190822045933-3da21a74767d // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/image v0.47.0 // indirect
)

replace github.com/stria-j2k/stria => ../
