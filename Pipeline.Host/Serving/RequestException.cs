namespace Pipeline.Host.Serving;

/// <summary>A request that cannot be answered. The client gets the message.</summary>
/// <param name="status">The HTTP status of the answer.</param>
/// <param name="message">What was found and what was expected.</param>
/// <param name="parameter">The field that is wrong. Null if it is none in particular.</param>
/// <param name="code">The code of the error that OpenAI's clients know. Null if there is none.</param>
internal sealed class RequestException(int status, string message, string? parameter = null, string? code = null) : Exception(message)
{
    public int Status => status;

    public string? Parameter => parameter;

    public string? Code => code;
}
