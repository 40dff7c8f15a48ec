using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.FaultTests.Formats;
using Pipeline.Host.Definitions;
using Pipeline.Stages;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>Definitions; of one that is accepted, every place it writes to is below the run folder or refused.</summary>
internal sealed class DefinitionTarget : FuzzTarget
{
    private static readonly string[] Words =
    [
        "read-parquet", "read-jsonl", "tokenize", "align", "score-teacher", "write-shards", "read-shards", "batch", "update-student", "evaluate", "realign", "train-tokenizer", "write-parquet",
        "run:shards", "run:../x", "../x", "/etc/x", "a/../../x", ".", "", "bytes", "fvt", "alm", "sft", "cpu", "cuda", "**/*", "1e-3",
    ];

    private readonly DefinitionLoader _loader = new(new StageCatalog(StageTable.All), new DiskStorage());
    private readonly byte[][] _whole = [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Fuzz", "Definitions"), "*.json").Order(StringComparer.Ordinal).Select(Plain)];

    public override string Name => "definition";

    // A path with a null character.
    public override IReadOnlyList<int> KeptSeeds => [3173, 14702];

    public override void Read(int seed)
    {
        var random = new Random(seed);
        byte[] whole = _whole[random.Next(_whole.Length)];
        byte[] text = random.Next(4) == 0 ? new ShardMutator([], random).Bytes(whole) : JsonMutator.Plain(whole, random, Words);
        string[] sets = random.Next(4) == 0 ? [$"flows.{Words[random.Next(Words.Length)]}.x={Words[random.Next(Words.Length)]}"] : [];
        LoadedDefinition loaded = _loader.Parse("stranger.json", text, sets);
        foreach (StageDefinition stage in loaded.Definition.Flows.SelectMany(f => f.Stages))
        {
            if (stage.Options.GetType().GetProperty("To")?.GetValue(stage.Options) is string to && !RunPaths.Output(Folder.Path, to).StartsWith(Folder.Path + '/', StringComparison.Ordinal))
                throw new InvalidOperationException($"'{to}' is outside the run folder");
        }
    }

    // Without comments, which a tree of nodes does not keep.
    private static byte[] Plain(string path) => Encoding.UTF8.GetBytes(
        JsonNode.Parse(File.ReadAllText(path), documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true })!.ToJsonString(new() { WriteIndented = true }));
}
