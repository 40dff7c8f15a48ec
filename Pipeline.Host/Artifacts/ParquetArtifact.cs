using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Text;

namespace Pipeline.Host.Artifacts;

/// <summary>A Parquet file. Only its footer is read.</summary>
internal sealed class ParquetArtifact : IArtifactKind
{
    public string Name => "Parquet file";

    public bool Recognises(IStorage storage, string path) => path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) && storage.FileExists(path);

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        ParquetInspection file = ParquetInspection.Of(storage, path);
        return ArtifactFacts.Of(
            ("rows", file.Rows),
            ("row groups", file.RowGroups),
            ("bytes", storage.Length(path)),
            ("columns", new JsonArray([.. file.Columns.Select(c => (JsonNode)c)])));
    }
}
