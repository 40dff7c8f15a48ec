using System.ComponentModel;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What takes the place of an edit where it is to be compared with something that should not work.</summary>
internal enum ControlKind
{
    [Description("The edit itself.")]
    None,

    [Description("The sides exchanged: what should be kept is dropped. What an edit does, this must undo.")]
    Exchanged,

    [Description("Random orthonormal bases of the edit's ranks: what any edit of this size does.")]
    Random,
}
