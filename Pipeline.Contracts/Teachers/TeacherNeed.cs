namespace Pipeline.Contracts.Teachers;

/// <summary>Options of a stage that need something from the teacher that not every backend provides.</summary>
public interface IAsksTeacher
{
    /// <summary>A function of the options alone.</summary>
    IEnumerable<TeacherNeed> TeacherNeeds { get; }
}

/// <summary>One thing that options need from a teacher.</summary>
/// <param name="Key">The key that asks for it, from the stage on: <c>objectives.alm.boundary</c>.</param>
/// <param name="What">What is needed, for the message: "hidden states".</param>
/// <param name="IsMet">Whether a teacher provides it.</param>
/// <param name="Remedy">What to write instead; null where only another backend helps.</param>
public sealed record TeacherNeed(string Key, string What, Func<TeacherAbilities, bool> IsMet, string? Remedy = null)
{
    public static TeacherNeed HiddenStates(string key, string? remedy = null) => new(key, "hidden states", a => a.HiddenStates, remedy);

    public static TeacherNeed Online(string key, string? remedy = null) => new(key, "a teacher running alongside the student", a => a.Online, remedy);

    /// <summary>Known masses; where <paramref name="least"/> is Interval, bounds will do.</summary>
    public static TeacherNeed Boundary(string key, BoundaryKnowledge least, string? remedy = null) => new(
        key, least == BoundaryKnowledge.Exact ? "known boundary masses" : "boundary masses or bounds on them", a => a.Boundary >= least, remedy);

    public static TeacherNeed Bytes(string key, NextByteKnowledge least, string? remedy = null)
        => new(key, least == NextByteKnowledge.Exact ? "exact next bytes" : "next bytes", a => a.Bytes >= least, remedy);
}
