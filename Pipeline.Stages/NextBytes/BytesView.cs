using System.ComponentModel;

namespace Pipeline.Stages.NextBytes;

/// <summary>From which contexts next bytes are computed.</summary>
public enum BytesView
{
    [Description("Every context that the tokenizer can make of a beginning of the text: the model's own distribution over bytes.")]
    Exact,

    [Description("The text's own tokens alone, whose logits a plain pass has: cheap, but inside a token it knows already that the text goes on, and of what may follow only UTF-8 is asked.")]
    Trunk,
}
