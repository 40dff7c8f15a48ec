using DuckDB.NET.Data;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>What the quick start teaches, read by another program.</summary>
internal static class QuickStart
{
    public static List<string> Texts(int count)
    {
        using var duck = new DuckDBConnection("DataSource=:memory:");
        duck.Open();
        using DuckDBCommand command = duck.CreateCommand();
        command.CommandText = $"SELECT text FROM '{Path.Combine(Repository.Root, "data", "text", "train-*.parquet")}' LIMIT {count}";
        using var reader = command.ExecuteReader();
        List<string> texts = [];
        while (reader.Read())
            texts.Add(reader.GetString(0));
        return texts;
    }
}
