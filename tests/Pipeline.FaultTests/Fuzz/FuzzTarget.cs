using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>
/// A format as a stranger may send it: for every seed a file that is nearly valid, its checksums right where the format has any, and the
/// reader that the program meets it with.
/// </summary>
internal abstract class FuzzTarget : IDisposable
{
    /// <summary>What the fuzz command calls it.</summary>
    public abstract string Name { get; }

    /// <summary>Seeds that once got something else than a refusal or a result, kept so that they never do again.</summary>
    public virtual IReadOnlyList<int> KeptSeeds => [];

    /// <summary>What reading one file may allocate, managed, in all.</summary>
    public virtual long MostBytesAllocated => 64L << 20;

    /// <summary>How many seeds the fast form tries.</summary>
    public virtual int FastTries => 3000;

    /// <summary>Where files are put that the reader wants on a disk. Nothing may be written beside it.</summary>
    protected TemporaryFolder Folder { get; } = new();

    /// <summary>Makes the seed's file and reads all of it.</summary>
    /// <exception cref="AlmException">It is refused.</exception>
    public abstract void Read(int seed);

    public virtual void Dispose() => Folder.Dispose();

    public static IReadOnlyList<string> Names => [.. Table.Select(t => t.Name)];

    public static FuzzTarget Create(string name)
        => Table.FirstOrDefault(t => t.Name == name).Create?.Invoke()
            ?? throw new InputException($"no format is called '{name}'; there are {string.Join(", ", Names)}");

    private static readonly (string Name, Func<FuzzTarget> Create)[] Table =
    [
        ("shard", static () => new ShardTarget()),
        ("next-bytes-shard", static () => new NextBytesShardTarget()),
        ("manifest", static () => new ManifestTarget()),
        ("checkpoint", static () => new CheckpointTarget()),
        ("safetensors", static () => new SafetensorsTarget()),
        ("gguf", static () => new GgufTarget()),
        ("gguf-tokenizer", static () => new GgufTokenizerTarget()),
        ("tokenizer", static () => new TokenizerTarget()),
        ("parquet", static () => new ParquetTarget()),
        ("scores", static () => new ScoresTarget()),
        ("definition", static () => new DefinitionTarget()),
        ("template", static () => new TemplateTarget()),
        ("jsonl", static () => new JsonlTarget()),
    ];
}
