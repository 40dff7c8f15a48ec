namespace Pipeline.Contracts.Teachers;

/// <summary>Implemented by the options of a stage that needs something from the teacher which not every backend gives.</summary>
public interface IAsksTeacher
{
    /// <summary>What these options need. It follows from the options alone.</summary>
    IEnumerable<TeacherNeed> TeacherNeeds { get; }
}

/// <summary>One thing that a stage's options need from a teacher.</summary>
/// <param name="Key">The path of the key that asks for it, from the stage on: <c>objectives.alm.boundary</c>.</param>
/// <param name="What">What is needed, as the error message calls it: "hidden states".</param>
/// <param name="IsMet">Whether a teacher with these abilities gives it.</param>
/// <param name="Remedy">What to write instead; null if only another backend helps.</param>
public sealed record TeacherNeed(string Key, string What, Func<TeacherAbilities, bool> IsMet, string? Remedy = null)
{
    /// <summary>Hidden states at given tokens.</summary>
    public static TeacherNeed HiddenStates(string key, string? remedy = null) => new(key, "hidden states", a => a.HiddenStates, remedy);

    /// <summary>A teacher that runs next to the student in training.</summary>
    public static TeacherNeed Online(string key, string? remedy = null) => new(key, "a teacher running alongside the student", a => a.Online, remedy);

    /// <summary>Boundary masses, or bounds on them if <paramref name="least"/> is <see cref="BoundaryKnowledge.Interval"/>.</summary>
    public static TeacherNeed Boundary(string key, BoundaryKnowledge least, string? remedy = null) => new(
        key, least == BoundaryKnowledge.Exact ? "known boundary masses" : "boundary masses or bounds on them", a => a.Boundary >= least, remedy);

    /// <summary>Next bytes, from at least the contexts of <paramref name="least"/>.</summary>
    public static TeacherNeed Bytes(string key, NextByteKnowledge least, string? remedy = null)
        => new(key, least == NextByteKnowledge.Exact ? "exact next bytes" : "next bytes", a => a.Bytes >= least, remedy);
}
