namespace Pipeline.Host.Serving;

/// <summary>A request that cannot be answered, as its caller is told.</summary>
/// <param name="status">Of HTTP.</param>
/// <param name="message">What was found and what was expected.</param>
/// <param name="parameter">Which field; null: none in particular.</param>
/// <param name="code">As OpenAI's clients know it; null: none.</param>
internal sealed class RequestException(int status, string message, string? parameter = null, string? code = null) : Exception(message)
{
    public int Status => status;

    public string? Parameter => parameter;

    public string? Code => code;
}
