using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Text;

/// <summary>The rows [First, End) of a file.</summary>
internal readonly record struct FileRange(InputFile File, long First, long End);

/// <summary>The files that a definition names, in its order, and those of their rows that this graph reads.</summary>
internal sealed class InputSelection
{
    private readonly InputKind _kind;
    private readonly long _skip;
    private readonly long _maximum;
    private readonly Partition? _partition;
    private readonly IReadOnlyList<string> _patterns;
    private readonly string _runFolder;
    private readonly string _stageName;
    private readonly IStorage _storage;
    private readonly IStageMeter _meter;
    private readonly Lazy<IReadOnlyList<InputFile>> _files;

    private InputSelection(IReadOnlyList<string> patterns, InputKind kind, long skip, long maximum, StageContext context)
    {
        (_patterns, _kind, _skip, _maximum, _partition) = (patterns, kind, skip, maximum, context.Partition);
        (_runFolder, _stageName, _storage, _meter) = (context.RunFolder, context.StageName, context.Storage, context.Meter);
        InputCatalog catalog = context.Service<InputCatalog>();
        _files = new Lazy<IReadOnlyList<InputFile>>(() => Open(catalog));
    }

    /// <summary>What a source reads. Files are first opened when something is asked about them.</summary>
    public static InputSelection Of(IReadOnlyList<string> patterns, InputKind kind, long skip, long maximum, StageContext context)
        => new(patterns, kind, skip, maximum, context);

    /// <summary>Whether some of the files have yet to be written by an earlier flow of the run.</summary>
    public bool IsStillToBeWritten
        => _patterns.Any(p => p.StartsWith(RunPaths.RunPrefix, StringComparison.Ordinal)) && !_storage.DirectoryExists(_runFolder);

    public IReadOnlyList<InputFile> Files => _files.Value;

    /// <summary>The number of rows that the whole flow reads, all parts together.</summary>
    public long SelectedRows
    {
        get
        {
            (long first, long end) = RowSelection.Select(Files.Sum(f => f.Rows), _skip, _maximum, null);
            return end - first;
        }
    }

    /// <summary>The ranges of rows that this graph reads, in order. None is empty.</summary>
    public IReadOnlyList<FileRange> Ranges()
    {
        (long first, long end) = RowSelection.Select(Files.Sum(f => f.Rows), _skip, _maximum, _partition);
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

    /// <summary>A hash, in hexadecimal, of the files' hashes in order and of everything else that decides what is read.</summary>
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

    /// <summary>Reports files and selections without rows, once, because a user may wonder about them.</summary>
    public void SayWhatIsEmpty()
    {
        // The first part speaks for all.
        if (_partition is { Index: > 0 })
            return;
        foreach (InputFile file in Files.Where(f => f.Rows == 0))
            _meter.Say($"{file.Path} has no rows");
        long total = Files.Sum(f => f.Rows);
        if (total > 0 && SelectedRows == 0)
            _meter.Say(string.Create(CultureInfo.InvariantCulture, $"no row is selected: skipRows is {_skip}, but the files have {total} rows"));
    }

    private List<InputFile> Open(InputCatalog catalog)
    {
        var files = new List<InputFile>();
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var hashes = new Dictionary<ulong, string>();
        foreach (string path in _patterns.SelectMany(Expand))
        {
            if (!paths.Add(path))
                throw new DefinitionException($"stage '{_stageName}': 'files' names {path} twice; its documents would have the same ids");
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
        string path = RunPaths.Input(_runFolder, pattern);
        if (!Glob.IsPattern(path) || _storage.FileExists(path))
            return [path];
        IReadOnlyList<string> found = Glob.Expand(_storage, path);
        return found.Count > 0
            ? found
            : throw new InputException($"stage '{_stageName}': no file matches '{pattern}' (looked for {path})");
    }

    private static void Append(XxHash3 hash, string part)
    {
        hash.Append(Encoding.UTF8.GetBytes(part));
        hash.Append("\0"u8);
    }
}
