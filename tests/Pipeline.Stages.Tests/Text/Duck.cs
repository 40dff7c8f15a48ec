using DuckDB.NET.Data;

namespace Pipeline.Stages.Tests.Text;

/// <summary>DuckDB, as an independent writer and reader of Parquet.</summary>
internal static class Duck
{
    public static void Write(string path, string select, string options = "")
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using DuckDBCommand command = connection.CreateCommand();
        command.CommandText = $"COPY ({select}) TO '{path}' (FORMAT parquet{(options.Length > 0 ? ", " + options : "")})";
        command.ExecuteNonQuery();
    }

    public static List<string?> Texts(string select)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using DuckDBCommand command = connection.CreateCommand();
        command.CommandText = select;
        using DuckDBDataReader reader = command.ExecuteReader();
        var texts = new List<string?>();
        while (reader.Read())
            texts.Add(reader.IsDBNull(0) ? null : reader.GetString(0));
        return texts;
    }
}
