using System.Text.Json.Serialization;

namespace Pipeline.Stages.Tasks;

/// <summary>What a task asks of a model.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TaskKind>))]
internal enum TaskKind
{
    /// <summary>Which of several continuations is the most likely one.</summary>
    [JsonStringEnumMemberName("choices")]
    Choices,

    /// <summary>How much of the probability of all continuations the true ones have.</summary>
    [JsonStringEnumMemberName("truths")]
    Truths,

    /// <summary>Questions of BBQ: accuracy, and which way wrong answers lean.</summary>
    [JsonStringEnumMemberName("bias")]
    Bias,

    /// <summary>An answer that is written, and compared with the right one.</summary>
    [JsonStringEnumMemberName("answer")]
    Answer,

    /// <summary>An answer that is written, and checked against what the prompt asks of its form.</summary>
    [JsonStringEnumMemberName("instructions")]
    Instructions,

    /// <summary>How likely whole texts are.</summary>
    [JsonStringEnumMemberName("perplexity")]
    Perplexity,
}
