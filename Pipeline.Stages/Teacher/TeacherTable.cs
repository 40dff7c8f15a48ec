using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher;

/// <summary>All backends that the teacher of a definition may name. A new backend takes one more line here.</summary>
public static class TeacherTable
{
    public static IReadOnlyList<TeacherRegistration> All { get; } =
    [
        TorchTeacher.Registration,
        Server.OpenAiTeacher.Registration,
        Gguf.GgufTeacher.Registration,
    ];
}
