using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Choices;

/// <summary>Reads CSV files whose first record names the columns.</summary>
internal static class CsvTable
{
    /// <summary>
    /// The records in order, each with the values of the given columns. Null in place of a record whose number of fields differs from the header's.
    /// </summary>
    /// <exception cref="InputException">A column is missing, the file is not UTF-8, or it is not CSV.</exception>
    public static IEnumerable<string[]?> Read(IStorage storage, string path, params string[] columns)
    {
        using Stream stream = storage.OpenRead(path);
        using var text = new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));
        var reader = new CsvReader(text, path);
        List<string> header = Next() ?? throw new InputException($"{path} is empty");
        int[] at = [.. columns.Select(c => header.FindIndex(h => string.Equals(h.Trim(), c, StringComparison.OrdinalIgnoreCase)))];
        if (Array.IndexOf(at, -1) is >= 0 and int missing)
            throw new InputException($"{path} has no column '{columns[missing]}'; it has {string.Join(", ", header.Select(h => $"'{h}'"))}");
        while (Next() is { } fields)
            yield return fields.Count == header.Count ? [.. at.Select(i => fields[i])] : null;

        List<string>? Next()
        {
            try
            {
                return reader.Read();
            }
            catch (DecoderFallbackException e)
            {
                throw new InputException($"{path} is not UTF-8; convert it, for example with iconv", e);
            }
        }
    }
}
