# The map of autonomous systems that CAIRN_ASMAP names becomes part of net/swarm.
if(CAIRN_ASMAP)
    get_filename_component(asmap_file "${CAIRN_ASMAP}" ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
    if(NOT EXISTS "${asmap_file}")
        message(FATAL_ERROR "CAIRN_ASMAP: there is no file ${asmap_file}")
    endif()
    set_source_files_properties(${PROJECT_SOURCE_DIR}/net/swarm/embedded_asmap.cpp PROPERTIES
        OBJECT_DEPENDS "${asmap_file}" COMPILE_DEFINITIONS "CAIRN_ASMAP_FILE=\"${asmap_file}\"")
endif()
