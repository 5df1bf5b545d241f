package stria_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/stria-j2k/stria"

// layers are the packages of the journey of a request, lowest first. Each may
// import those before it.
var layers = []string{"codestream", "jp2", "tile", "encode", "iiif"}

// testKits are packages that only tests, examples and benchmarks import.
var testKits = []string{"internal/corpus", "internal/testimg", "internal/testimg/sample",
	"internal/testimg/htstream", "internal/ht/httest", "internal/tier1/tier1test",
	"tile/tiletest", "encode/encodetest", "iiif/iiiftest"}

// A sourceFile is one parsed Go file of the module.
type sourceFile struct {
	name string // slash-separated, from the module root
	fset *token.FileSet
	*ast.File
}

func (f sourceFile) dir() string  { return path.Dir(f.name) }
func (f sourceFile) test() bool   { return strings.HasSuffix(f.name, "_test.go") }
func (f sourceFile) layer() int   { return slices.Index(layers, layerName(f.dir())) }
func (f sourceFile) core() bool   { return f.layer() >= 0 || strings.HasPrefix(f.name, "internal/") }
func layerName(dir string) string { return strings.SplitN(dir, "/", 2)[0] }

// imports lists the paths that f imports.
func (f sourceFile) imports(t *testing.T) []string {
	var list []string
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		list = append(list, p)
	}
	return list
}

// source parses every Go file of the module, whatever its build constraints.
func source(t *testing.T) []sourceFile {
	var files []sourceFile
	root := os.DirFS(".")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || name == "bench") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, sourceFile{name, fset, f})
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// ours is the path of p within the module, or "" when p is another module's.
func ours(p string) string {
	if p == module {
		return "."
	}
	rest, ok := strings.CutPrefix(p, module+"/")
	if !ok {
		return ""
	}
	return rest
}

func TestImportsPointOneWay(t *testing.T) {
	for _, f := range source(t) {
		if f.layer() < 0 || f.test() {
			continue
		}
		for _, p := range f.imports(t) {
			target := slices.Index(layers, layerName(ours(p)))
			require.LessOrEqual(t, target, f.layer(), "%s imports %s, which is above it", f.name, p)
		}
	}
}

// Packages under internal serve the layers; the few that know one say so here.
func TestInternalImports(t *testing.T) {
	allowed := map[string][]string{
		"internal/raster":    nil,
		"internal/icc":       {"internal/raster"},
		"internal/openjpeg":  {"codestream", "internal/grid"}, // its errors
		"internal/corpus":    nil,
		"internal/testimg":   nil,
		"internal/codeblock": nil,
		"internal/tier1":     {"internal/codeblock"},
		"internal/ht":        {"internal/codeblock", "internal/ht/codewords"},
		"internal/grid":      nil,

		"internal/ht/codewords": nil,
		"internal/synthesis":    {"internal/grid"},
		"internal/engine":       {"codestream"},
	}
	for _, f := range source(t) {
		if f.test() || !strings.HasPrefix(f.dir(), "internal/") || slices.Contains(testKits, f.dir()) {
			continue
		}
		list, ok := allowed[f.dir()]
		require.True(t, ok, "%s is not in the table", f.dir())
		for _, p := range f.imports(t) {
			if rest := ours(p); rest != "" {
				require.Contains(t, list, rest, "%s imports %s", f.name, p)
			}
		}
	}
}

func TestCgoOnlyUnderInternal(t *testing.T) {
	for _, f := range source(t) {
		if !strings.HasPrefix(f.name, "internal/") {
			require.NotContains(t, f.imports(t), "C", f.name)
		}
	}
}

// The two lowest layers work without a C compiler and pull in little.
func TestLowLayersStayLight(t *testing.T) {
	allowed := []string{module, module + "/internal/grid", "github.com/klauspost/compress/zstd"}
	for _, f := range source(t) {
		dir := f.dir()
		if f.test() || dir != "codestream" && dir != "jp2" {
			continue
		}
		for _, p := range f.imports(t) {
			standard := !strings.Contains(layerName(p), ".")
			light := standard || slices.Contains(allowed, p) ||
				slices.Contains(layers[:2], layerName(ours(p)))
			require.True(t, light, "%s imports %s", f.name, p)
			require.NotEqual(t, "net/http", p, f.name)
		}
	}
}

// A program that does not import tile/openjpeg needs no libopenjp2.
func TestOpenJPEGIsAChoice(t *testing.T) {
	for _, f := range source(t) {
		for _, p := range f.imports(t) {
			if p == module+"/internal/openjpeg" && !f.test() {
				require.Contains(t, []string{"tile/openjpeg", "internal/openjpeg"}, f.dir(), f.name)
			}
		}
	}
}

// What is heavy is imported where it is used, so that programs that do not use it
// do not link it.
func TestHeavyDependencies(t *testing.T) {
	allowed := map[string][]string{
		"gocloud.dev/":               {"jp2/remote/gocloud", "iiif/bucket"},
		module + "/jp2/remote":       {"jp2/remote/gocloud", "iiif/bucket"},
		module + "/iiif/bucket":      {},
		"github.com/maypok86/otter/": {"iiif"},
		"github.com/chai2010/webp":   {"encode/webp"},
		module + "/encode/webp":      {},
		"net/http":                   {"jp2/remote", "jp2/remote/gocloud", "iiif"},
	}
	for _, f := range source(t) {
		if f.test() || !f.core() {
			continue
		}
		for _, p := range f.imports(t) {
			for heavy, dirs := range allowed {
				if strings.HasPrefix(p, heavy) {
					require.Contains(t, dirs, f.dir(), "%s imports %s", f.name, p)
				}
			}
		}
	}
}

// Nothing outside tests may depend on what only tests need.
func TestTestOnlyDependencies(t *testing.T) {
	for _, f := range source(t) {
		if f.test() || !f.core() || slices.Contains(testKits, f.dir()) {
			continue
		}
		for _, p := range f.imports(t) {
			require.NotContains(t, testKits, ours(p), f.name)
			require.NotEqual(t, "testing", p, f.name)
			require.False(t, strings.HasPrefix(p, "github.com/stretchr/"), "%s imports %s", f.name, p)
		}
	}
}

// counters are variables that change, by their package. They count what C holds
// and has freed, and whether its allocator is set up, which is the process's and
// nobody's own, and no result depends on them.
var counters = map[string][]string{"internal/openjpeg": {"live", "freed", "settle"}}

// No package of the library has an init function or a variable that is not an
// error, a table, or an assertion that a type implements an interface.
func TestNoGlobalState(t *testing.T) {
	for _, f := range source(t) {
		if f.test() || !f.core() || slices.Contains(testKits, f.dir()) {
			continue
		}
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				require.False(t, d.Recv == nil && d.Name.Name == "init",
					"%s: init function", f.fset.Position(d.Pos()))
			case *ast.GenDecl:
				if d.Tok != token.VAR {
					continue
				}
				for _, spec := range d.Specs {
					v := spec.(*ast.ValueSpec)
					if slices.Contains(counters[f.dir()], v.Names[0].Name) {
						continue
					}
					require.True(t, constant(v), "%s: %s can change",
						f.fset.Position(v.Pos()), v.Names[0].Name)
				}
			}
		}
	}
}

// constant reports whether a package-level variable is one by lack of syntax
// only: an error value, a composite literal of a table, or "_".
func constant(v *ast.ValueSpec) bool {
	if v.Names[0].Name == "_" {
		return true
	}
	if len(v.Values) != len(v.Names) {
		return false
	}
	for _, value := range v.Values {
		switch e := value.(type) {
		case *ast.CompositeLit:
			switch e.Type.(type) {
			case *ast.ArrayType, *ast.MapType, *ast.StructType:
			default:
				if !allLiterals(e) {
					return false
				}
			}
		case *ast.CallExpr:
			if !makesConstant(e) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// allLiterals reports whether a composite literal of a named type is made of
// numbers and characters only, as a UUID is.
func allLiterals(e *ast.CompositeLit) bool {
	for _, element := range e.Elts {
		if _, ok := element.(*ast.BasicLit); !ok {
			return false
		}
	}
	return len(e.Elts) > 0
}

// makesConstant reports whether a call makes a value that nothing changes: an
// error, or a table computed by a function literal, by a function named after
// what it makes, or when it is first asked for.
func makesConstant(call *ast.CallExpr) bool {
	switch fun := call.Fun.(type) {
	case *ast.FuncLit:
		return true
	case *ast.Ident:
		return strings.HasPrefix(fun.Name, "make") && fun.Name != "make" || strings.HasSuffix(fun.Name, "Table")
	case *ast.SelectorExpr:
		pkg, ok := fun.X.(*ast.Ident)
		if !ok {
			return false
		}
		name := pkg.Name + "." + fun.Sel.Name
		return slices.Contains([]string{"errors.New", "fmt.Errorf", "regexp.MustCompile",
			"strings.NewReplacer", "crc32.MakeTable", "sync.OnceValue"}, name)
	}
	return false
}
