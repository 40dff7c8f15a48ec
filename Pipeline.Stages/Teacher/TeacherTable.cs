using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher;

/// <summary>Every backend a definition's teacher may name. A new backend is one line here.</summary>
public static class TeacherTable
{
    public static IReadOnlyList<TeacherRegistration> All { get; } =
    [
        TorchTeacher.Registration,
        Server.OpenAiTeacher.Registration,
        Gguf.GgufTeacher.Registration,
    ];
}
