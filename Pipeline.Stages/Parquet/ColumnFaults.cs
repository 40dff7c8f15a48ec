using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Parquet;

/// <summary>What the footer alone says about whether a column can be read: known before any row is.</summary>
internal static class ColumnFaults
{
    /// <summary>Refuses a column of which some row group is compressed or encrypted in a way that is not read.</summary>
    /// <exception cref="InputException">Names file, row group, column, what was found and what to do.</exception>
    public static void Require(ColumnFileReader reader, IEnumerable<LeafColumn> leaves)
    {
        foreach (LeafColumn leaf in leaves)
        {
            for (int group = 0; group < reader.File.RowGroups.Count; group++)
            {
                if (Of(reader.File.RowGroups[group].Columns[leaf.Index]) is { } fault)
                    throw reader.Damage(group, leaf.ToString(), new ColumnFormatException(fault));
            }
        }
    }

    private static string? Of(ColumnChunkMetadata chunk)
    {
        if (chunk.IsEncrypted)
            return "it is encrypted; write the file without encryption";
        return PageGuard.FaultOf(chunk.Codec);
    }
}
