using System.ComponentModel;

namespace Pipeline.Stages.NextBytes;

/// <summary>Which contexts next bytes are computed from.</summary>
public enum BytesView
{
    [Description("Over every context that the tokenizer can make of the text so far: the model's own distribution over bytes.")]
    Exact,

    [Description("Over the text's own tokens only, whose logits an ordinary pass computes. Cheap, but inside a token it already knows that the text continues, and all it checks of what may follow is that it is UTF-8.")]
    Trunk,
}
