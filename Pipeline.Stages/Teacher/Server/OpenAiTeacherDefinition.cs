using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>The keys of a teacher behind a server (backend <c>openai</c>).</summary>
public sealed record OpenAiTeacherDefinition : TeacherDefinition, IValidatableObject
{
    public const string Name = "openai";

    public override string Backend => Name;

    [Description("The model's name on the server.")]
    public override required string Model { get; init; }

    [Description("The tokenizer of that model: a folder or a tokenizer.json. Ids are sent, never text.")]
    public override required string? Tokenizer { get; init; }

    [Description("The address of the server, without /v1, such as http://127.0.0.1:8000.")]
    public required string Url { get; init; }

    [Description("The kind of server: vllm (prompt_logprobs; also alm serve), sglang (/generate with return_logprob), or completions (any OpenAI-compatible /v1/completions with echo).")]
    public ServerKind Server { get; init; } = ServerKind.Vllm;

    [Description("Number of most likely tokens to ask for after each token; bounds on the boundary mass follow from them. 0 asks for none, and masses are then unknown. Servers allow 20 by default.")]
    [Range(0, 1 << 20)]
    public int Top { get; init; } = 20;

    [Description("Ask for the whole distribution instead, so that masses are exact. The server then sends one number for each token of the vocabulary, at every token (vllm must be started with --max-logprobs -1).")]
    public bool WholeDistribution { get; init; }

    [Description("The version of the model's weights, such as a commit. The shards record it.")]
    public string? Revision { get; init; }

    [Description("The environment variable that holds the server's key, sent as a bearer token. Absent: no key.")]
    public string? KeyVariable { get; init; }

    [Description("Requests in progress at once.")]
    [Range(1, 4096)]
    public int InFlight { get; init; } = 16;

    [Description("Most requests per minute, retries included. Absent: no limit.")]
    [Range(1, 1_000_000)]
    public int? RequestsPerMinute { get; init; }

    [Description("How often a request is sent again after a refusal for load, a server error or a broken connection, each time after a longer wait.")]
    [Range(0, 100)]
    public int Retries { get; init; } = 8;

    [Description("Seconds after which an attempt times out.")]
    [Range(1.0, 86_400.0)]
    public double TimeoutSeconds { get; init; } = 600;

    [Description("By how many nats log-probabilities of the probe texts may differ from those at the first start of the run.")]
    [Range(0.0, 100.0)]
    public double ProbeError { get; init; } = 0.05;

    [Description("Price per million tokens sent, for the cost that alm check prints. Absent: no cost.")]
    [Range(0.0, 1e9)]
    public double? PricePerMillionTokens { get; init; }

    [Description("Tokens per second that the server is known to score, for the time that alm check prints. Absent: estimated by requestsPerMinute only.")]
    [Range(0.0, 1e12, MinimumIsExclusive = true)]
    public double? TokensPerSecond { get; init; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Url, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https"))
            yield return new ValidationResult($"'teacher.url': found \"{Url}\", expected http:// or https:// and the server's name", [nameof(Url)]);
        else if (url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0)
            yield return new ValidationResult("'teacher.url': the user, password or query in it would be written to the run folder; use keyVariable to name an environment variable instead", [nameof(Url)]);
        if (Tokenizer is null)
            yield return new ValidationResult("'teacher.tokenizer': found null, expected the folder or tokenizer.json of the server's model", [nameof(Tokenizer)]);
        if (WholeDistribution && Server == ServerKind.Completions)
            yield return new ValidationResult("'teacher.wholeDistribution': a server of kind completions names tokens by their text, which several tokens can share; set it to false", [nameof(WholeDistribution)]);
        if (Device is not null)
            yield return new ValidationResult("'teacher.device' applies only to a teacher in this process; leave it out", [nameof(Device)]);
        if (Edit is not null)
            yield return new ValidationResult("'teacher.edit': activations behind a server cannot be edited; leave it out, or use a teacher in this process", [nameof(Edit)]);
        if (KeyVariable is not null && (KeyVariable.Length == 0 || KeyVariable.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_')))
            yield return new ValidationResult("'teacher.keyVariable': expected the name of an environment variable (letters, digits and _), not the key itself", [nameof(KeyVariable)]);
    }
}

/// <summary>How a server is asked.</summary>
public enum ServerKind
{
    /// <summary><c>/v1/completions</c> with <c>prompt_logprobs</c>.</summary>
    Vllm,

    /// <summary><c>/generate</c> with <c>return_logprob</c>.</summary>
    Sglang,

    /// <summary><c>/v1/completions</c> with <c>echo</c>.</summary>
    Completions,
}
