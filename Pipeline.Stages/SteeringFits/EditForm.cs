using System.ComponentModel;

namespace Pipeline.Stages.SteeringFits;

/// <summary>How a model is written together with its edit.</summary>
public enum EditForm
{
    [Description("Folded into the weights where that is exact, else next to them.")]
    Auto,

    [Description("Folded into the weights; refused where that is not exact.")]
    Fold,

    [Description("Folded into the head: the most likely token is the edited model's, the probabilities are not.")]
    Argmax,

    [Description("Next to the weights, with a Python file that applies it in Hugging Face's library.")]
    Side,
}
