using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Text;

/// <summary>Rows [First, End) of a file.</summary>
internal readonly record struct FileRange(InputFile File, long First, long End);

/// <summary>The files a definition names, in its order, and the rows of them that this graph reads.</summary>
internal sealed class InputSelection
{
    private readonly StageContext _context;
    private readonly InputKind _kind;
    private readonly long _skip;
    private readonly long _maximum;
    private readonly Lazy<IReadOnlyList<InputFile>> _files;

    public InputSelection(IReadOnlyList<string> patterns, InputKind kind, long skip, long maximum, StageContext context)
    {
        _context = context;
        _kind = kind;
        _skip = skip;
        _maximum = maximum;
        _files = new Lazy<IReadOnlyList<InputFile>>(() => Open(patterns));
    }

    public IReadOnlyList<InputFile> Files => _files.Value;

    /// <summary>Rows that the whole flow reads, all parts together.</summary>
    public long SelectedRows
    {
        get
        {
            (long first, long end) = RowSelection.Select(Files.Sum(f => f.Rows), _skip, _maximum, null);
            return end - first;
        }
    }

    /// <summary>The runs of rows that this graph reads, in order, none empty.</summary>
    public IReadOnlyList<FileRange> Ranges()
    {
        (long first, long end) = RowSelection.Select(Files.Sum(f => f.Rows), _skip, _maximum, _context.Partition);
        var ranges = new List<FileRange>();
        long before = 0;
        foreach (InputFile file in Files)
        {
            long from = Math.Max(first - before, 0), to = Math.Min(end - before, file.Rows);
            if (from < to)
                ranges.Add(new FileRange(file, from, to));
            before += file.Rows;
        }
        return ranges;
    }

    /// <summary>Hex hash over the files' hashes, in order, and whatever else decides what is read.</summary>
    public string Fingerprint(params ReadOnlySpan<string> choices)
    {
        var hash = new XxHash3();
        foreach (InputFile file in Files)
            Append(hash, file.Hash.ToString("x16", CultureInfo.InvariantCulture));
        foreach (string choice in choices)
            Append(hash, choice);
        Append(hash, string.Create(CultureInfo.InvariantCulture, $"{_kind} {_skip} {_maximum}"));
        return hash.GetCurrentHashAsUInt64().ToString("x16", CultureInfo.InvariantCulture);
    }

    /// <summary>Says once what a reader may wonder about: files or selections without rows.</summary>
    public void SayWhatIsEmpty()
    {
        // One part of many says it for all.
        if (_context.Partition is { Index: > 0 })
            return;
        foreach (InputFile file in Files.Where(f => f.Rows == 0))
            _context.Meter.Say($"{file.Path} has no rows");
        long total = Files.Sum(f => f.Rows);
        if (total > 0 && SelectedRows == 0)
            _context.Meter.Say(string.Create(CultureInfo.InvariantCulture, $"no row is selected: skipRows is {_skip}, the files have {total} rows"));
    }

    private List<InputFile> Open(IReadOnlyList<string> patterns)
    {
        var catalog = _context.Service<InputCatalog>();
        var files = new List<InputFile>();
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var hashes = new Dictionary<ulong, string>();
        foreach (string path in patterns.SelectMany(Expand))
        {
            if (!paths.Add(path))
                throw new DefinitionException($"stage '{_context.StageName}': 'files' names {path} twice; its documents would have the same ids");
            InputFile file = catalog.Get(path, _kind);
            if (file.Rows > 0 && !hashes.TryAdd(file.Hash, path))
            {
                throw new InputException(
                    $"{path} and {hashes[file.Hash]} are the same bytes, so their documents would have the same ids; name one of them in 'files'");
            }
            files.Add(file);
        }
        return files;
    }

    private IReadOnlyList<string> Expand(string pattern)
    {
        string path = RunPaths.Input(_context.RunFolder, pattern);
        if (!Glob.IsPattern(path) || _context.Storage.FileExists(path))
            return [path];
        IReadOnlyList<string> found = Glob.Expand(_context.Storage, path);
        return found.Count > 0
            ? found
            : throw new InputException($"stage '{_context.StageName}': no file matches '{pattern}' (looked for {path})");
    }

    private static void Append(XxHash3 hash, string part)
    {
        hash.Append(Encoding.UTF8.GetBytes(part));
        hash.Append("\0"u8);
    }
}
