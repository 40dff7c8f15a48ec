using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Parquet;

/// <summary>Finds out from the footer alone whether a column can be read, before any of its rows is.</summary>
internal static class ColumnFaults
{
    /// <summary>Refuses columns that are encrypted, or compressed in a way that is not supported, in any row group.</summary>
    /// <exception cref="InputException">A column cannot be read. The message names the file, the row group, the column and what to do.</exception>
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
