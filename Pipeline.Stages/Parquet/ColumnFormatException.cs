namespace Pipeline.Stages.Parquet;

/// <summary>The bytes break the rules of the Parquet format. Those who read a file turn this into an input error that names the file.</summary>
internal sealed class ColumnFormatException : Exception
{
    public ColumnFormatException(string message, bool isCut = false)
        : base(message) => IsCut = isCut;

    public ColumnFormatException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>Whether the bytes end too early, so that more of them might help.</summary>
    public bool IsCut { get; }
}
