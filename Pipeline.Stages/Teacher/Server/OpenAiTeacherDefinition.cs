using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>What a definition may say of a teacher behind a server (backend <c>openai</c>).</summary>
public sealed record OpenAiTeacherDefinition : TeacherDefinition, IValidatableObject
{
    public const string Name = "openai";

    public override string Backend => Name;

    [Description("The model's name at the server.")]
    public override required string Model { get; init; }

    [Description("The tokenizer of that model: a folder or a tokenizer.json. Ids are sent, never text.")]
    public override required string? Tokenizer { get; init; }

    [Description("The server, without /v1: http://127.0.0.1:8000.")]
    public required string Url { get; init; }

    [Description("What answers there: vllm (prompt_logprobs; alm serve too), sglang (/generate with return_logprob), or completions (any OpenAI-compatible /v1/completions with echo).")]
    public ServerKind Server { get; init; } = ServerKind.Vllm;

    [Description("Likeliest tokens asked for after each token, from which bounds on the boundary mass follow; 0: none, and masses are not known. Servers allow 20 unless told otherwise.")]
    [Range(0, 1 << 20)]
    public int Top { get; init; } = 20;

    [Description("Ask for the whole distribution instead, so that masses are exact: the vocabulary's size in numbers of JSON for every token (vllm started with --max-logprobs -1).")]
    public bool WholeDistribution { get; init; }

    [Description("What tells one state of the model's weights from another, such as a commit; part of what shards say they were made from.")]
    public string? Revision { get; init; }

    [Description("The environment variable that holds the server's key, sent as a bearer token; absent: no key.")]
    public string? KeyVariable { get; init; }

    [Description("Requests under way at once.")]
    [Range(1, 4096)]
    public int InFlight { get; init; } = 16;

    [Description("Requests a minute at most, retries included; absent: no limit.")]
    [Range(1, 1_000_000)]
    public int? RequestsPerMinute { get; init; }

    [Description("Times that a request is sent again after a refusal for load, a server error or a broken connection, each after a longer wait.")]
    [Range(0, 100)]
    public int Retries { get; init; } = 8;

    [Description("Seconds after which an attempt is given up.")]
    [Range(1.0, 86_400.0)]
    public double TimeoutSeconds { get; init; } = 600;

    [Description("Nats by which log-probabilities of the probe texts may differ from those of the run's first start.")]
    [Range(0.0, 100.0)]
    public double ProbeError { get; init; } = 0.05;

    [Description("Price of a million tokens sent, for the cost that check prints; absent: no cost.")]
    [Range(0.0, 1e9)]
    public double? PricePerMillionTokens { get; init; }

    [Description("Tokens a second that the server is known to score, for the time that check prints; absent: by requestsPerMinute alone.")]
    [Range(0.0, 1e12, MinimumIsExclusive = true)]
    public double? TokensPerSecond { get; init; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Url, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https"))
            yield return new ValidationResult($"'teacher.url': found \"{Url}\", expected http:// or https:// and the server's name", [nameof(Url)]);
        else if (url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0)
            yield return new ValidationResult("'teacher.url': a user, a password or a query in it would be written to the run folder; name a variable with keyVariable instead", [nameof(Url)]);
        if (Tokenizer is null)
            yield return new ValidationResult("'teacher.tokenizer': found null, expected the folder or tokenizer.json of the server's model", [nameof(Tokenizer)]);
        if (WholeDistribution && Server == ServerKind.Completions)
            yield return new ValidationResult("'teacher.wholeDistribution': a server of kind completions names tokens by text, and several tokens have one; set it to false", [nameof(WholeDistribution)]);
        if (Device is not null)
            yield return new ValidationResult("'teacher.device' is of a teacher in this process; leave it out", [nameof(Device)]);
        if (Edit is not null)
            yield return new ValidationResult("'teacher.edit': activations behind a server cannot be edited; leave it out, or name a teacher of this process", [nameof(Edit)]);
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
